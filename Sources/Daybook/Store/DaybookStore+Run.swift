public import ServiceLifecycle

extension DaybookStore: Service {
    /// Keeps the snapshots of the store's aggregates up to date until the service shuts down or the task is cancelled.
    /// Then it waits until commits in progress have their outcome and their snapshots are written, and closes the
    /// store.
    ///
    /// A process whose aggregates have the lifecycle ``Lifecycle/async`` should run it: if a writer dies before it has
    /// written its snapshots, they are caught up within seconds. Of several processes one does the work at a time.
    /// Start the store before the services that use it, so that it is shut down after them:
    ///
    /// ```swift
    /// let store = try DaybookStore(configuration, aggregates: [License.self])
    /// try await ServiceGroup(services: [store, server], gracefulShutdownSignals: [.sigterm], logger: logger).run()
    /// ```
    public func run() async throws {
        let holder = Self.holder()
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                for aggregate in self.aggregates where aggregate.lifecycle == .async {
                    group.addTask { await self.project(aggregate, holder) }
                }
                for one in self.extensions { group.addTask { await one.run(in: self, holder: holder) } }
                // Even without such aggregates it runs until the shutdown.
                group.addTask { try? await gracefulShutdown() }
                await group.waitForAll()
            }
        }
        await close()
    }

    private func project<A: Aggregate>(_ aggregate: A.Type, _ holder: String) async {
        await SnapshotProjector(repository(A.self), holder: holder).run()
    }
}
