internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Synchronization

/// The right to repair some aggregates alone: a lease for each type, or for each aggregate where only some are repaired.
///
/// Two repairs that met would do no harm, since each write is a compare-and-set; they would only do the work twice, and two swaps would
/// undo each other.
package struct MaintenanceLease: Sendable {
    private static let prefix = "reconcile."

    let store: DaybookStore
    let holder: String
    /// `license`, or `license/L-1`.
    let subjects: [String]

    package init(store: DaybookStore, holder: String, subjects: [String]) {
        self.store = store
        self.holder = holder
        self.subjects = subjects
    }

    /// Runs `body` while it holds the leases, and gives them back.
    ///
    /// A lease that is not renewed is waited for, since its holder has died; one that is renewed is another run's.
    ///
    /// - Throws: ``DaybookError/Code/conflict``, which says who holds it and since when, and ends `body` when the leases are lost.
    package func hold<R: Sendable>(_ body: @escaping @Sendable (Held) async throws -> R) async throws -> R {
        var leases: [Lease] = []
        do {
            for subject in subjects { leases.append(try await acquire(subject)) }
            let held = Held(leases, store)
            // Those that were acquired first may have waited for the last.
            if leases.count > 1 { try await Patience.around { try await held.renew() } }
            let result = try await withThrowingTaskGroup(of: R?.self) { group in
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
            }
            await release(leases)
            return result
        } catch {
            await release(leases)
            throw error
        }
    }

    private func release(_ leases: [Lease]) async {
        // In a task of its own, because this one may have been cancelled.
        await Task {
            for lease in leases {
                try? await store.client.withConnection(.single) {
                    try lease.release(in: store.database, clock: store.clock, on: $0)
                }
            }
        }.value
    }

    /// Leases that were acquired, and are renewed until they are released or lost.
    package final class Held: Sendable {
        private let leases: [Lease]
        private let store: DaybookStore
        private let renewedAt = Mutex(ContinuousClock.now)

        fileprivate init(_ leases: [Lease], _ store: DaybookStore) {
            self.leases = leases
            self.store = store
        }

        /// Renews every lease now, by its epoch.
        ///
        /// - Throws: ``DaybookError/Code/conflict`` when another process has acquired one since.
        package func renew() async throws {
            // The time is taken before the server hears of it: from then on the lease lasts at least its duration.
            let now = ContinuousClock.now
            for lease in leases {
                let isHeld = try await store.client.withConnection(.single) {
                    try lease.renew(in: store.database, clock: store.clock, on: $0)
                }
                guard isHeld else { throw lost(lease) }
            }
            renewedAt.withLock { $0 = max($0, now) }
        }

        /// Makes sure that the leases are held before a write that another holder's work must not meet. The server is only asked where the
        /// last renewal is so long ago that this process must have been held up.
        package func require() async throws {
            let age = ContinuousClock.now - renewedAt.withLock { $0 }
            guard age > .seconds(Lease.duration * 2 / 3) else { return }
            try await renew()
        }

        fileprivate func keepRenewing() async throws {
            while true {
                try await Task.sleep(for: .seconds(Lease.duration / 3))
                do {
                    try await renew()
                } catch is MongoError where ContinuousClock.now - renewedAt.withLock({ $0 }) < .seconds(Lease.duration) {
                    // The server may answer again before the time is over.
                }
            }
        }

        private func lost(_ lease: Lease) -> DaybookError {
            DaybookError(
                .conflict,
                "the lease \"\(lease.name)\" was lost: this process was held up for longer than it lasts, and another took it. Start it again; "
                    + "it goes on where it is.")
        }
    }

    private func acquire(_ subject: String) async throws -> Lease {
        var seen: [String: HeldLease] = [:]
        let start = ContinuousClock.now
        while true {
            try Task.checkCancellation()
            let (lease, rival) = try await Patience.around {
                try await store.client.withConnection(.single) { try attempt(subject, on: $0) }
            }
            if let lease { return lease }
            // A dead holder's lease has ended by then, unless a wrong clock or a hand has put its end further off.
            if ContinuousClock.now - start > .seconds(2 * Lease.duration) { throw stuck(subject, rival) }
            if let rival {
                if let before = seen[rival.name], before.expiresAt < rival.expiresAt || before.holder != rival.holder {
                    throw DaybookError(
                        .conflict,
                        "another run works at \(rival.name.dropFirst(Self.prefix.count)): \(rival.holder)\(rival.since). "
                            + "Wait for its end, or stop it.")
                }
                if seen.isEmpty {
                    store.telemetry.logger.notice(
                        """
                        waiting up to \(Int(2 * Lease.duration)) s for the lease of \(rival.holder)\(rival.since): if that process is gone, \
                        the lease ends
                        """)
                }
                seen[rival.name] = rival
            }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    private func stuck(_ subject: String, _ rival: HeldLease?) -> DaybookError {
        guard let rival else {
            return DaybookError(
                .conflict,
                "the lease \"\(Self.prefix)\(subject)\" cannot be acquired: others take it again and again. Try again later.")
        }
        return DaybookError(
            .conflict,
            "the lease \"\(rival.name)\" is held by \(rival.holder)\(rival.since), until \(rival.expiresAt.formatted(.iso8601)), and is not "
                + "renewed. If that process is gone, delete the document of that _id from \(ControlCollection.leases).")
    }

    /// The lease, or who is in the way.
    private func attempt(_ subject: String, on connection: isolated MongoConnection) throws -> (Lease?, HeldLease?) {
        let name = Self.prefix + subject
        if let rival = try rival(of: subject, on: connection) { return (nil, rival) }
        let acquired = try Lease.acquire(name, holder: holder, in: store.database, clock: store.clock, on: connection)
        guard let lease = acquired else { return (nil, nil) }
        // One that covers more, or a part, may have been taken at the same time: then both step back, or one of them.
        if let rival = try rival(of: subject, on: connection) {
            try lease.release(in: store.database, clock: store.clock, on: connection)
            return (nil, rival)
        }
        return (lease, nil)
    }

    /// Another run's lease on the same aggregates, on all of the type, or on some of it.
    private func rival(of subject: String, on connection: isolated MongoConnection) throws -> HeldLease? {
        let name = Self.prefix + subject
        var overlapping: [BSONValue] = [["_id": .string(name)]]
        // By bytes: a slash before a combining mark is no character of its own.
        if let slash = subject.utf8.firstIndex(of: UInt8(ascii: "/")) {
            overlapping.append(["_id": .string(Self.prefix + subject[..<slash])])
        } else {
            overlapping.append(["_id": .document(IDRange(under: name).condition)])
        }
        store.clock.measureIfDue(on: connection)
        let filter: BSONDocument = [
            "$or": .array(overlapping), "holder": ["$ne": .string(holder)],
            "expiresAt": ["$gt": .datetime(try BSONDate(store.clock.now()))],
        ]
        let namespace = Namespace(database: store.database, collection: ControlCollection.leases.rawValue)
        var rival: HeldLease?
        try connection.find(filter, in: namespace) { document in
            rival = HeldLease(BSONDocument(document))
            return rival == nil
        }
        return rival
    }
}
