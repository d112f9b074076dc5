internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

/// A swap's steps on MongoDB.
struct MongoSwapDatabase<A: Aggregate>: SwapDatabase {
    let context: ReconcileJob.Context
    let target: ReconcileTarget
    let liveNamespace: Namespace
    let lease: MaintenanceLease.Held

    var live: String { liveNamespace.collection }
    var buildNames: [String] { DatabasePlan.rebuildCollections(of: live) }

    var store: DaybookStore { context.store }

    func namespace(_ collection: String) -> Namespace {
        Namespace(database: liveNamespace.database, collection: collection)
    }

    // MARK: Before

    func check() async throws {
        try await store.client.withConnection(.single) { connection in
            guard connection.isSharded else { return }
            throw DaybookError(
                .unsupportedServer,
                "a swap is not safe on a sharded cluster: a router may hold events of the journal back for seconds, "
                    + "and a sharded or zoned collection cannot be replaced by a rename. Rebuild without swap.")
        }
        try await refuseNewer(among: nil)
    }

    func requireLease() async throws { try await Patience.around { try await lease.renew() } }

    func refuseNewer(among ids: [AggregateID]?) async throws {
        let newer: BSONDocument = [SnapshotKey.stateSchema: ["$gt": .int32(A.stateSchema)]]
        guard let ids else { return try await refuseNewer(newer) }
        for start in stride(from: 0, to: ids.count, by: 500) {
            let portion = ids[start..<min(start + 500, ids.count)].map(\.rawValue)
            try await refuseNewer([
                SnapshotKey.id: ["$in": .texts(portion)], SnapshotKey.stateSchema: ["$gt": .int32(A.stateSchema)],
            ])
        }
    }

    /// No index helps to find that there is none: the server may look at the whole collection before it answers.
    private func refuseNewer(_ filter: BSONDocument) async throws {
        let find: BSONDocument = [
            "find": .string(live), "filter": .document(filter), "projection": [SnapshotKey.id: 1], "limit": 1,
            "singleBatch": true,
        ]
        let reply = try await Patience.around {
            try await store.client.readingThroughSwaps { connection in
                try connection.read(find, database: liveNamespace.database, takesLong: true)
            }
        }
        guard let found = reply["cursor"]?.document?["firstBatch"]?.array?.first?.document else { return }
        throw DaybookError(
            .conflict,
            "\(liveNamespace) has snapshots of a newer program, with a higher stateSchema than \(A.stateSchema), which "
                + "a swap would lose. Rebuild with that program, or without swap: then they are left.",
            aggregateID: found[SnapshotKey.id]?.text)
    }

    // MARK: Snapshots

    func fill(
        _ build: SnapshotBuild, _ parts: [Int], _ report: ReconcileReport.Builder,
        refused: @escaping @Sendable ([AggregateID], any Error) async -> Void
    ) async throws {
        // Compared with nothing, every aggregate is missing.
        var nothing = target
        nothing.snapshots = nil
        try await context.forEach(parts) { [nothing, pace = context.pace] part in
            try await context.pass(part, by: Checker.make(for: nothing, .full)) { suspects in
                var findings: [Finding] = []
                var written = 0
                let size = pace?.portion(of: 500) ?? 500
                for start in stride(from: 0, to: suspects.count, by: size) {
                    let part = suspects[start..<min(start + size, suspects.count)]
                    try await pace?.wait(for: part.count)
                    try await lease.require()
                    written += try await insert(part.compactMap(\.expected), into: build.collection, refused)
                    findings += try await carryOver(part.filter(\.kind.isDamage), into: build.collection)
                }
                return (findings, written)
            }
        }
    }

    /// Inserts snapshots where none are stored, and replaces those that are older, or that another program left.
    private func insert(
        _ snapshots: [BSONDocument], into collection: String,
        _ refused: @Sendable ([AggregateID], any Error) async -> Void
    ) async throws -> Int {
        guard !snapshots.isEmpty else { return 0 }
        // An election must not take back what the run counts as done.
        let writer = SnapshotWriter(namespace(collection), writeConcern: WriteConcern(.majority))
        let results = try await store.client.withConnection(.single) { connection in
            try writer.write(snapshots.map { .insert($0) }, on: connection) { Self.replacement(snapshots[$0]) }
        }
        var refusals: [(id: String, error: MongoError)] = []
        for (snapshot, result) in zip(snapshots, results) {
            switch result {
            case .written, .superseded: break
            case .refused(let error): refusals.append((snapshot[SnapshotKey.id]?.text ?? "", error))
            case .failed(let error), .unknown(let error): throw error
            }
        }
        if A.mayLoseSnapshot {
            // A later commit may have been caught up before, by deleting a snapshot that was not there yet, and ours is
            // there now.
            let surpassed = try await store.client.withConnection(.single) { connection in
                var surpassed: [AggregateID: Int64] = [:]
                for snapshot in snapshots {
                    let id = try AggregateID(parsing: snapshot[SnapshotKey.id]?.text ?? "")
                    guard case .int64(let version) = snapshot[SnapshotKey.version] else { continue }
                    let head = try store.journal.head(of: id, on: connection)
                    if head > version { surpassed[id] = head }
                }
                return surpassed
            }
            for (id, error) in try await catchUp(surpassed, into: collection) { await refused([id], error) }
        }
        if let first = refusals.first {
            let ids = try refusals.map { try AggregateID(parsing: $0.id) }
            await refused(ids, refusal(first.error, of: first.id))
        }
        return snapshots.count - refusals.count
    }

    /// Replaces a snapshot that is older, or that another program left.
    private static func replacement(_ snapshot: BSONDocument) -> BulkOperation {
        let version = snapshot[SnapshotKey.version] ?? .null
        let older: BSONDocument = [SnapshotKey.version: ["$lt": version]]
        let other: BSONDocument = [
            SnapshotKey.version: version, SnapshotKey.digest: ["$ne": snapshot[SnapshotKey.digest] ?? .null],
        ]
        let selector: BSONDocument = [
            SnapshotKey.id: snapshot[SnapshotKey.id] ?? .null, "$or": [.document(older), .document(other)],
        ]
        return .replaceOne(selector, replacement: snapshot)
    }

    /// Of a damaged aggregate it is not known what the snapshot should be: the one in use stays what it is.
    private func carryOver(_ damaged: [Suspect], into collection: String) async throws -> [Finding] {
        guard !damaged.isEmpty else { return [] }
        return try await store.client.withConnection(.single) { connection in
            try damaged.map { suspect in
                let id: BSONDocument = [SnapshotKey.id: .string(suspect.text)]
                if let old = try connection.findOne(id, in: liveNamespace, decode: { BSONDocument($0) }) {
                    try connection.replaceOne(
                        id, with: old, upsert: true, in: namespace(collection), writeConcern: WriteConcern(.majority))
                }
                return suspect.finding(
                    Finding.Repair(
                        action: .none, reason: "the journal is never changed; the snapshot was taken over as it was"))
            }
        }
    }

    func catchUp(_ heads: [AggregateID: Int64], into collection: String) async throws -> [AggregateID: any Error] {
        let repository = store.repository(A.self)
        let namespace = namespace(collection)
        let failures = try await Patience.around {
            try await lease.require()
            return try await repository.catchUp(shown: heads, into: namespace)
        }
        var refused: [AggregateID: any Error] = [:]
        for (id, error) in failures {
            if let error = error as? DaybookError {
                // Of a damaged aggregate the snapshot stays what it is; one that is too large for the server ends the
                // swap.
                if error.code == .tooLarge { throw error }
                guard error.code == .foreignIndex, let cause = error.underlying as? MongoError else { continue }
                refused[id] = refusal(cause, of: id.rawValue)
            } else {
                throw error
            }
        }
        return refused
    }

    private func refusal(_ error: MongoError, of id: String) -> DaybookError {
        DaybookError(uniqueIndexOf: liveNamespace, error, aggregateID: id)
    }

    func remove(_ ids: [AggregateID], from build: SnapshotBuild) async throws {
        let namespace = namespace(build.collection)
        let filter: BSONDocument = [SnapshotKey.id: ["$in": .texts(ids.map(\.rawValue))]]
        try await Patience.around {
            try await lease.require()
            let result = try await store.client.withConnection(.single) { connection in
                try connection.bulkWrite(
                    [.deleteMany(filter)], ordered: false, in: namespace, writeConcern: WriteConcern(.majority))
            }
            for case .failed(let error) in result.outcomes { throw error }
            for case .unknown(let error) in result.outcomes { throw error }
        }
    }
}

extension DaybookError {
    /// A unique index that is none of Daybook's has refused a snapshot.
    init(uniqueIndexOf collection: Namespace, _ error: MongoError, aggregateID: String) {
        let fields = error.keyPattern.isEmpty ? "" : " over (\(error.keyPattern.joined(separator: ", ")))"
        self.init(
            .foreignIndex,
            "a unique index of \(collection)\(fields) refuses its snapshot: another aggregate's has the same value, "
                + "and the journal says that "
                + "both are right. Drop that index, or change one of the two aggregates; then start this again.",
            aggregateID: aggregateID, underlying: error)
    }
}
