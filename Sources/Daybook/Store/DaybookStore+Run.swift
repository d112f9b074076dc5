public import ServiceLifecycle

extension DaybookStore: Service {
    /// Looks after the snapshots of the store's aggregates until the service shuts down or the task is cancelled; then waits until what is under way
    /// is done and its snapshots are written, and closes the store.
    ///
    /// A process whose aggregates have the lifecycle ``Lifecycle/async`` should run it: snapshots that a writer left behind when it died are then
    /// caught up within seconds. Of several processes one does the work at a time. Start the store before the services that use it, so that it
    /// is shut down behind them:
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
                // Also without any of those it runs until it is told to stop.
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
