internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

/// The right to repair some aggregates alone: a lease for each type, or for each aggregate where only some are
/// repaired.
///
/// Two repairs that met would do no harm, since each write is a compare-and-set; they would only do the work twice, and
/// two swaps would undo each other.
package struct MaintenanceLease: Sendable {
    private static let prefix = "reconcile."

    /// The name of the lease of a subject.
    package static func name(of subject: String) -> String { prefix + subject }

    let store: DaybookStore
    let holder: String
    /// `license`, or `license/L-1`.
    let subjects: [String]

    package init(store: DaybookStore, holder: String, subjects: [String]) {
        self.store = store
        self.holder = holder
        self.subjects = subjects
    }

    /// The leases while this process holds them.
    package typealias Held = LeasedWorker.Held

    /// Runs `body` while this process holds the leases, and releases them.
    ///
    /// A lease that is not renewed is waited for, since its holder has died; one that is renewed is another run's.
    ///
    /// - Throws: ``DaybookError/Code/conflict``, which says who holds it and since when, and ends `body` when the
    ///   leases are lost.
    package func hold<R: Sendable>(_ body: @escaping @Sendable (Held) async throws -> R) async throws -> R {
        let worker = LeasedWorker(client: store.client, database: store.database)
        return try await worker.run { held in
            // The worker renews the first leases while the last is waited for. All runs acquire in the same order, so
            // two runs that want the same leases do not wait for each other.
            for subject in subjects.sorted(by: { $0.isBefore($1) }) { held.add(try await acquire(subject)) }
            return try await body(held)
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
            if ContinuousClock.now - start > Lease.duration * 2 { throw stuck(subject, rival) }
            if let rival {
                if let before = seen[rival.name], before.expiresAt < rival.expiresAt || before.holder != rival.holder {
                    throw DaybookError(
                        .conflict,
                        "another run works at \(rival.name.dropFirst(Self.prefix.count)): "
                            + "\(rival.holder)\(rival.since). Wait for its end, or stop it.")
                }
                if seen.isEmpty {
                    store.telemetry.logger.notice(
                        """
                        \(rival.holder)\(rival.since) has the lease: if that process is gone, it ends within \
                        \((Lease.duration * 2).components.seconds) s, and this run begins; if that process renews it, \
                        this run ends
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
                "the lease \"\(Self.prefix)\(subject)\" cannot be acquired: others take it again and again. Try again "
                    + "later."
            )
        }
        return DaybookError(
            .conflict,
            "the lease \"\(rival.name)\" is held by \(rival.holder)\(rival.since), until "
                + "\(rival.expiresAt.formatted(.iso8601)), and is not renewed. If that process is gone, end the lease "
                + "in mongosh:\n  \(rival.endingCommand(in: store.database))"
        )
    }

    /// The lease, or who is in the way.
    private func attempt(_ subject: String, on connection: isolated MongoConnection) throws -> (Lease?, HeldLease?) {
        let name = Self.prefix + subject
        // Not for the lease: the run that follows records its times by the server's clock.
        store.clock.measureIfDue(on: connection)
        if let rival = try rival(of: subject, on: connection) { return (nil, rival) }
        guard let lease = try Lease.acquire(name, holder: holder, in: store.database, on: connection) else {
            return (nil, nil)
        }
        // One that covers more, or a part, may have been taken at the same time: then both step back, or one of them.
        do {
            guard let rival = try rival(of: subject, on: connection) else { return (lease, nil) }
            try lease.release(in: store.database, on: connection)
            return (nil, rival)
        } catch {
            try? lease.release(in: store.database, on: connection)
            throw error
        }
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
        // By the server's clock, as the lease itself: `$expr` reads `$$NOW` in a filter.
        // https://www.mongodb.com/docs/manual/reference/operator/query/expr/
        let filter: BSONDocument = [
            "$or": .array(overlapping), "holder": ["$ne": .string(holder)], "$expr": ["$gt": ["$expiresAt", "$$NOW"]],
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
