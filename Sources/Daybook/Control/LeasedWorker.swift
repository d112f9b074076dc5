internal import DaybookBSON
package import DaybookMongo
internal import Synchronization

/// Does work that one process does at a time: renews its leases beside the work, and releases them after it.
package struct LeasedWorker: Sendable {
    let client: MongoClient
    let database: String

    package init(client: MongoClient, database: String) {
        self.client = client
        self.database = database
    }

    /// Runs `body` while this process holds `leases` and those that `body` adds, and releases them.
    ///
    /// - Throws: What `body` throws; ``Lease/lost``, which ends `body`, when another process has acquired one of them.
    package func run<R: Sendable>(
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
                do {
                    try await client.withConnection(.single) { try lease.release(in: database, on: $0) }
                } catch let error as MongoError where error.isOfTheMoment {
                    // Each may take as long to fail. Those that are left expire by themselves.
                    return
                } catch {}
            }
        }.value
    }

    /// Leases that this process has acquired, and that are renewed until they are released or lost.
    package final class Held: Sendable {
        private let worker: LeasedWorker
        /// The leases, and until when each surely lasts.
        private let ends = Mutex<[Lease: ContinuousClock.Instant]>([:])

        fileprivate init(_ leases: [Lease], _ worker: LeasedWorker) {
            self.worker = worker
            for lease in leases { add(lease) }
        }

        fileprivate var leases: [Lease] { ends.withLock { Array($0.keys) } }

        /// Until when all of them surely last; nil when there is none.
        private var end: ContinuousClock.Instant? { ends.withLock { $0.values.min() } }

        /// Adds a lease that was just acquired.
        package func add(_ lease: Lease) {
            ends.withLock { $0[lease] = lease.askedAt + Lease.duration }
        }

        /// Renews every lease now.
        ///
        /// - Throws: ``Lease/lost``
        package func renew() async throws {
            for lease in leases {
                // The time is taken before the server gets the request: from then on it lasts at least its duration.
                let end = ContinuousClock.now + Lease.duration
                let isHeld = try await worker.client.withConnection(.single) {
                    try lease.renew(in: worker.database, on: $0)
                }
                guard isHeld else { throw lease.lost }
                ends.withLock { $0[lease] = max($0[lease] ?? end, end) }
            }
        }

        /// Makes sure that the leases are held, before a write that another holder's work must not meet. The server is
        /// only asked where the last renewal is so long ago that this process must have been held up.
        package func require() async throws {
            guard let end, ContinuousClock.now > end - Lease.duration / 3 else { return }
            try await renew()
        }

        fileprivate func keepRenewing() async throws {
            while true {
                try await Task.sleep(for: Lease.duration / 3)
                do {
                    try await renew()
                } catch is MongoError where end.map({ ContinuousClock.now < $0 }) ?? true {
                    // The server may answer again before the lease expires.
                }
            }
        }
    }
}
