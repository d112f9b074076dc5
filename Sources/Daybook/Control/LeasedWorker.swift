internal import DaybookBSON
internal import DaybookMongo
internal import Synchronization

/// Does work that one process does at a time: renews its leases beside the work, and releases them after it.
package struct LeasedWorker: Sendable {
    let client: MongoClient
    let database: String

    /// Runs `body` while this process holds `leases` and those that `body` adds, and releases them.
    ///
    /// - Throws: What `body` throws; ``Lease/lost``, which ends `body`, when one of them has expired or another process
    ///   has acquired it.
    func run<R: Sendable>(
        holding leases: [Lease] = [], _ body: @escaping @Sendable (Held) async throws -> R
    ) async throws -> R {
        let held = Held(leases, self)
        let result: Result<R, any Error>
        do {
            result = .success(
                try await withThrowingTaskGroup(of: R?.self) { group in
                    group.addTask {
                        try await held.keepRenewing()
                        return nil
                    }
                    group.addTask { try await body(held) }
                    defer { group.cancelAll() }
                    while let result = try await group.next() {
                        if let result { return result }
                    }
                    throw CancellationError()
                })
        } catch {
            result = .failure(error)
        }
        await release(held.leases)
        return try result.get()
    }

    /// Releases those that are still held, so that the next process need not wait for their end.
    private func release(_ leases: [Lease]) async {
        // In a task of its own, because this one may have been cancelled.
        await Task {
            for lease in leases {
                try? await client.withConnection(.single) { try lease.release(in: database, on: $0) }
            }
        }.value
    }

    /// Leases that this process has acquired, and that are renewed until they are released or lost.
    package final class Held: Sendable {
        private struct State {
            var leases: [Lease]
            /// Until when they surely last.
            var end: ContinuousClock.Instant?
        }

        private let worker: LeasedWorker
        private let state = Mutex(State(leases: []))

        fileprivate init(_ leases: [Lease], _ worker: LeasedWorker) {
            self.worker = worker
            for lease in leases { add(lease) }
        }

        fileprivate var leases: [Lease] { state.withLock(\.leases) }

        /// Adds a lease that was just acquired.
        func add(_ lease: Lease) {
            state.withLock { state in
                state.leases.append(lease)
                let end = lease.askedAt + Lease.duration
                state.end = min(state.end ?? end, end)
            }
        }

        /// Renews every lease now.
        ///
        /// - Throws: ``Lease/lost``
        package func renew() async throws {
            // The time is taken before the server gets the request: from then on the lease lasts at least its duration.
            let end = ContinuousClock.now + Lease.duration
            let leases = leases
            for lease in leases {
                let isHeld = try await worker.client.withConnection(.single) {
                    try lease.renew(in: worker.database, on: $0)
                }
                guard isHeld else { throw lease.lost }
            }
            state.withLock { state in
                // One that was added meanwhile may end earlier; the next renewal renews it too.
                if state.leases.count == leases.count { state.end = max(state.end ?? end, end) }
            }
        }

        /// Makes sure that the leases are held, before a write that another holder's work must not meet. The server is
        /// only asked where the last renewal is so long ago that this process must have been held up.
        package func require() async throws {
            guard let end = state.withLock(\.end), ContinuousClock.now > end - Lease.duration / 3 else { return }
            try await renew()
        }

        fileprivate func keepRenewing() async throws {
            while true {
                try await Task.sleep(for: Lease.duration / 3)
                do {
                    try await renew()
                } catch is MongoError where state.withLock({ $0.end.map { ContinuousClock.now < $0 } ?? true }) {
                    // The server may answer again before the lease expires.
                }
            }
        }
    }
}
