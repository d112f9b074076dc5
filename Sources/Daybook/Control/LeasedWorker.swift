internal import DaybookBSON
internal import DaybookMongo
internal import Synchronization

/// Does work that one process does at a time: renews its leases beside the work, and releases them after it.
package struct LeasedWorker: Sendable {
    let client: MongoClient
    let database: String

    /// Runs `body` while this process holds `leases`, and releases them.
    ///
    /// - Throws: What `body` throws; ``Lease/lost``, which ends `body`, when another process has acquired one of them.
    func run<R: Sendable>(
        holding leases: [Lease], _ body: @escaping @Sendable (Held) async throws -> R
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
        await release(leases)
        return try result.get()
    }

    /// Releases those that are still held, so that the next process need not wait for their end.
    func release(_ leases: [Lease]) async {
        // In a task of its own, because this one may have been cancelled.
        await Task {
            for lease in leases {
                try? await client.withConnection(.single) { try lease.release(in: database, on: $0) }
            }
        }.value
    }

    /// Leases that this process has acquired, and that are renewed until they are released or lost.
    package final class Held: Sendable {
        private let leases: [Lease]
        private let worker: LeasedWorker
        private let renewedAt: Mutex<ContinuousClock.Instant>

        fileprivate init(_ leases: [Lease], _ worker: LeasedWorker) {
            self.leases = leases
            self.worker = worker
            renewedAt = Mutex(leases.map(\.askedAt).min() ?? .now)
        }

        /// Renews every lease now.
        ///
        /// - Throws: ``Lease/lost``
        package func renew() async throws {
            // The time is taken before the server gets the request: from then on the lease lasts at least its duration.
            let now = ContinuousClock.now
            for lease in leases {
                let isHeld = try await worker.client.withConnection(.single) {
                    try lease.renew(in: worker.database, on: $0)
                }
                guard isHeld else { throw lease.lost }
            }
            renewedAt.withLock { $0 = max($0, now) }
        }

        /// Makes sure that the leases are held, before a write that another holder's work must not meet. The server is
        /// only asked where the last renewal is so long ago that this process must have been held up.
        package func require() async throws {
            let age = ContinuousClock.now - renewedAt.withLock { $0 }
            guard age > Lease.duration * 2 / 3 else { return }
            try await renew()
        }

        fileprivate func keepRenewing() async throws {
            while true {
                try await Task.sleep(for: Lease.duration / 3)
                do {
                    try await renew()
                } catch is MongoError where ContinuousClock.now - renewedAt.withLock({ $0 }) < Lease.duration {
                    // The server may answer again before the lease expires.
                }
            }
        }
    }
}
