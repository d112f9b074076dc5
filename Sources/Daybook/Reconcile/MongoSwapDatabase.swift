internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

/// A swap's steps on MongoDB.
struct MongoSwapDatabase<A: Aggregate>: SwapDatabase {
    let reconciliation: Reconciliation
    let liveNamespace: Namespace
    let pace: Pace?
    let lease: MaintenanceLease.Held

    var live: String { liveNamespace.collection }
    var buildNames: [String] { DatabasePlan.rebuildCollections(of: live) }

    private var store: DaybookStore { reconciliation.store }

    private func namespace(_ collection: String) -> Namespace {
        Namespace(database: liveNamespace.database, collection: collection)
    }

    // MARK: Before

    func check() async throws {
        try await store.client.withConnection(.single) { connection in
            guard connection.isSharded else { return }
            throw DaybookError(
                .unsupportedServer,
                "a swap is not safe on a sharded cluster: a router may hold events of the journal back for seconds, and a sharded or zoned "
                    + "collection cannot be replaced by a rename. Rebuild without swap.")
        }
        try await refuseNewer(among: nil)
    }

    func requireLease() async throws { try await Patience.around { try await lease.renew() } }

    func refuseNewer(among ids: [AggregateID]?) async throws {
        let newer: BSONDocument = ["stateSchema": ["$gt": .int32(A.stateSchema)]]
        guard let ids else { return try await refuseNewer(newer) }
        for start in stride(from: 0, to: ids.count, by: 500) {
            let portion = ids[start..<min(start + 500, ids.count)].map { BSONValue.string($0.rawValue) }
            try await refuseNewer(["_id": ["$in": .array(portion)], "stateSchema": ["$gt": .int32(A.stateSchema)]])
        }
    }

    /// No index helps to find that there is none: the server may look at the whole collection before it answers.
    private func refuseNewer(_ filter: BSONDocument) async throws {
        let find: BSONDocument = [
            "find": .string(live), "filter": .document(filter), "projection": ["_id": 1], "limit": 1, "singleBatch": true,
        ]
        let reply = try await Patience.around {
            try await store.client.readingThroughSwaps { connection in
                try connection.read(find, database: liveNamespace.database, takesLong: true)
            }
        }
        guard case .document(let cursor) = reply["cursor"], case .array(let batch) = cursor["firstBatch"],
            case .document(let found)? = batch.first
        else { return }
        throw DaybookError(
            .conflict,
            "\(liveNamespace) has snapshots of a newer program, with a higher stateSchema than \(A.stateSchema), which a swap would lose. "
                + "Rebuild with that program, or without swap: then they are left.", aggregateID: found.text("_id"))
    }

    // MARK: Collections

    func collections() async throws -> [String: UUID] {
        let names = [live] + buildNames
        return try await Patience.around {
            try await store.client.withConnection(.single) { try uuids(of: names, on: $0) }
        }
    }

    private func uuids(of names: [String], on connection: isolated MongoConnection) throws -> [String: UUID] {
        var found: [String: UUID] = [:]
        for description in try connection.collections(named: names, in: liveNamespace.database) {
            guard case .document(let info) = description["info"], case .binary(let uuid) = info["uuid"] else { continue }
            found[description.text("name")] = uuid.uuid
        }
        return found
    }

    func lastBuildName() async throws -> String? {
        let filter: BSONDocument = [
            "kind": .string(ReconcileRun.Kind.rebuild.rawValue), "swap": true, "builds.\(A.type)": ["$exists": true],
        ]
        let namespace = ReconcileRun.namespace(store.database)
        return try await Patience.around {
            try await store.client.withConnection(.single) { connection in
                try connection.findOne(filter, in: namespace, options: FindOptions(sort: [("_id", -1)])) { document in
                    ReconcileRun(BSONDocument(document))?.builds[A.type.rawValue]?.collection
                } ?? nil
            }
        }
    }

    func drop(_ build: SnapshotBuild) async throws {
        try await Patience.around {
            try await store.client.withConnection(.single) { try drop(build, on: $0) }
        }
    }

    private func drop(_ build: SnapshotBuild, on connection: isolated MongoConnection) throws {
        let command: BSONDocument = ["drop": .string(build.collection)]
        do throws(MongoError) {
            _ = try connection.write(command, of: build.uuid, database: liveNamespace.database)
        } catch {
            guard error.isOfAnotherCollection else { throw error }
        }
    }

    func create(_ name: String) async throws -> SnapshotBuild {
        try await waitForIndexes()
        return try await Patience.around {
            // Waiting may have taken longer than the lease lasts.
            try await lease.renew()
            let build = try await store.client.withConnection(.single) { try create(name, on: $0) }
            _ = try await addIndexes(to: build)
            return build
        }
    }

    private func create(_ name: String, on connection: isolated MongoConnection) throws -> SnapshotBuild {
        var create: BSONDocument = ["create": .string(name)]
        let description = try connection.collections(named: [live], in: liveNamespace.database).first
        if case .document(let options)? = description?["options"] {
            for (key, value) in options.fields where key != "uuid" && key != "autoIndexId" { try create.append(key, value) }
        }
        do throws(MongoError) {
            _ = try connection.write(create, database: liveNamespace.database)
        } catch {
            // A request that a dead process had sent has made one meanwhile, or one of ours that was not answered.
            guard error.serverError == .namespaceExists else { throw error }
            if let uuid = try uuids(of: [name], on: connection)[name] {
                try drop(SnapshotBuild(collection: name, uuid: uuid), on: connection)
            }
            _ = try connection.write(create, database: liveNamespace.database)
        }
        guard let uuid = try uuids(of: [name], on: connection)[name] else {
            throw DaybookError(.server, "the collection \(namespace(name)) was dropped as soon as it was made; start this again")
        }
        return SnapshotBuild(collection: name, uuid: uuid)
    }

    /// The indexes that the live collection has or an operator gave it, and those that the fields declare.
    func addIndexes(to build: SnapshotBuild) async throws -> Bool {
        try await waitForIndexes()
        return try await Patience.around {
            try await store.client.withConnection(.single) { try addIndexes(to: build, on: $0) }
        }
    }

    private func addIndexes(to build: SnapshotBuild, on connection: isolated MongoConnection) throws -> Bool {
        let there = try connection.indexes(of: namespace(build.collection))
        let names = Set(there.compactMap { $0["name"] })
        var indexes: [BSONDocument] = []
        for index in try connection.indexes(of: liveNamespace) where !names.contains(index["name"] ?? .null) {
            // The one of _id is made with the collection; so is that of a clustered collection, which createIndexes refuses:
            // https://www.mongodb.com/docs/manual/core/clustered-collections/
            guard index["name"] != "_id_", index["clustered"] != .bool(true) else { continue }
            var copy = BSONDocument()
            for (key, value) in index.fields where key != "ns" { try copy.append(key, value) }
            indexes.append(copy)
        }
        for index in A.indexes where !(there + indexes).contains(where: { index.isSatisfied(by: $0) }) {
            indexes.append(try index.document())
        }
        guard !indexes.isEmpty else { return false }
        try connection.createIndexes(described: indexes, in: namespace(build.collection))
        return true
    }

    /// Waits until no index of the live collection is in construction: its build would end with the collection.
    private func waitForIndexes() async throws {
        var isFirst = true
        while true {
            let unfinished = try await Patience.around {
                try await store.client.withConnection(.single) { try $0.allIndexes(of: liveNamespace).unfinished }
            }
            guard !unfinished.isEmpty else { return }
            if isFirst {
                let names = unfinished.map { $0.text("name") }.joined(separator: ", ")
                store.telemetry.logger.notice("\(liveNamespace) has indexes in construction, which are waited for: \(names)")
            }
            isFirst = false
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// The rename waits on the server for the open transactions on both collections, which may be longer than an answer usually takes.
    ///
    /// It is acknowledged by a majority, whatever the URI asks for: only then does the next look at the change stream see every commit before it.
    ///
    /// https://www.mongodb.com/docs/manual/reference/command/renameCollection/
    func rename(_ build: SnapshotBuild, to name: String) async throws -> RenameOutcome {
        let command: BSONDocument = [
            "renameCollection": .string(namespace(build.collection).description), "to": .string(namespace(name).description),
            "dropTarget": true,
        ]
        do {
            try await store.client.withConnection(.single) { connection in
                _ = try connection.write(command, of: build.uuid, database: "admin", writeConcern: WriteConcern(.majority))
            }
            return .done
        } catch let error as MongoError
            where error.isOfTheMoment || error.canBeTriedAgain || error.isOfAnotherCollection || error.code == .writeConcernFailed
        {
            return .unknown(error)
        }
    }

    func pause(_ attempt: Int) async throws {
        try await Task.sleep(for: .milliseconds(min(2_000, 50 << attempt)))
    }

    // MARK: Journal

    /// The journal's events, read on after the last one where the server did not answer for a while.
    actor Feed: SwapFeed {
        private let database: MongoSwapDatabase
        private var stream: ChangeStream<JournalHead?>.Iterator?
        private var token: ResumeToken?

        fileprivate init(_ stream: ChangeStream<JournalHead?>.Iterator, after token: ResumeToken?, in database: MongoSwapDatabase)
        {
            self.stream = stream
            self.token = token
            self.database = database
        }

        func next() async throws -> SwapFeedElement {
            var patience = Patience()
            while true {
                do {
                    let stream = if let stream { stream } else { try await database.open(after: token) }
                    self.stream = stream
                    guard let element = try await stream.next() else { throw CancellationError() }
                    token = element.token
                    guard case .change(let head, let token) = element else {
                        return SwapFeedElement(isIdle: true, token: element.token)
                    }
                    return SwapFeedElement(
                        id: head?.id, version: head?.version ?? 0, time: head?.clusterTime, isIdle: false, token: token)
                } catch let error as MongoError where error.isPlaceLost {
                    throw SwapPlaceLost(underlying: error)
                } catch let error as MongoError where token != nil && error.isOfTheMoment {
                    stream = nil
                    try await patience.wait(after: error, hasProgressed: false)
                }
            }
        }
    }

    func follow(after token: ResumeToken?) async throws -> Feed {
        Feed(try await Patience.around { try await open(after: token) }, after: token, in: self)
    }

    private func open(after token: ResumeToken?) async throws -> ChangeStream<JournalHead?>.Iterator {
        let stream = store.journalHeads(of: A.type, after: token).makeAsyncIterator()
        do {
            try await stream.open()
        } catch let error as MongoError where error.losesPlace(isResumed: token != nil) {
            store.telemetry.logger.warning(
                "the server no longer knows the place up to which the journal was followed; the snapshots are built anew",
                [.aggregateType: A.type, .error: "\(error)"])
            throw SwapPlaceLost(underlying: error)
        }
        return stream
    }

    /// The time of the server's last operation.
    func time() async throws -> BSONTimestamp {
        let reply = try await Patience.around {
            try await store.client.withConnection(.single) { try $0.read(["ping": 1], database: "admin") }
        }
        if case .timestamp(let time) = reply["operationTime"] { return time }
        // Without it only silence tells that all was seen.
        return BSONTimestamp(seconds: .max, increment: .max)
    }

    // MARK: Snapshots

    func fill(
        _ build: SnapshotBuild, _ parts: [Int], _ record: RunRecord,
        refused: @escaping @Sendable ([AggregateID], any Error) async -> Void
    ) async throws {
        try await reconciliation.work(at: parts, of: await record.run) { index in
            // Compared with nothing, every aggregate is missing.
            let subject = ReconcileSubject(type: A.type, lifecycle: A.lifecycle, snapshots: nil, expectsSnapshots: true)
            try await reconciliation.pass(Fold<A>.self, subject, index, record) { suspects in
                var findings: [Finding] = []
                var written = 0
                let size = pace?.portion(of: 500) ?? 500
                for start in stride(from: 0, to: suspects.count, by: size) {
                    let part = suspects[start..<min(start + size, suspects.count)]
                    try await pace?.wait(for: part.count)
                    try await lease.require()
                    written += try await insert(part.compactMap(\.expected), into: build.collection, refused)
                    findings += try await carryOver(part.filter { $0.kind?.isDamage ?? false }, into: build.collection)
                }
                return (findings, written)
            }
        }
    }

    /// Inserts snapshots where none stand, and replaces those that are older, or that another program left.
    private func insert(
        _ snapshots: [BSONDocument], into collection: String,
        _ refused: @Sendable ([AggregateID], any Error) async -> Void
    ) async throws -> Int {
        guard !snapshots.isEmpty else { return 0 }
        let namespace = namespace(collection)
        let refusals = try await store.client.withConnection(.single) { connection -> [Refusal] in
            var refusals: [Refusal] = []
            let inserts = snapshots.map { BulkOperation.insert($0) }
            let standing = try send(inserts, of: snapshots, to: namespace, &refusals, on: connection)
            let replacements = standing.map { snapshot -> BulkOperation in
                let (version, digest) = (snapshot["version"] ?? .null, snapshot["digest"] ?? .null)
                let older: BSONDocument = ["version": ["$lt": version]]
                let other: BSONDocument = ["version": version, "digest": ["$ne": digest]]
                let selector: BSONDocument = ["_id": snapshot["_id"] ?? .null, "$or": [.document(older), .document(other)]]
                return .replaceOne(selector, replacement: snapshot)
            }
            if !standing.isEmpty { _ = try send(replacements, of: standing, to: namespace, &refusals, on: connection) }
            return refusals
        }
        if A.mayLoseSnapshot {
            // A later commit may have been caught up before, by deleting a snapshot that was not there yet, and ours is there now.
            let surpassed = try await store.client.withConnection(.single) { connection in
                var surpassed: [AggregateID: Int64] = [:]
                for snapshot in snapshots {
                    let id = try AggregateID(parsing: snapshot.text("_id"))
                    guard case .int64(let version) = snapshot["version"] else { continue }
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

    private struct Refusal {
        var id: String
        var error: MongoError
    }

    /// Sends one operation for each snapshot.
    ///
    /// - Returns: Those in whose place another of their id stands.
    private func send(
        _ operations: [BulkOperation], of snapshots: [BSONDocument], to namespace: Namespace, _ refusals: inout [Refusal],
        on connection: isolated MongoConnection
    ) throws -> [BSONDocument] {
        // An election must not take back what the run counts as done.
        let result = try connection.bulkWrite(operations, ordered: false, in: namespace, writeConcern: WriteConcern(.majority))
        var standing: [BSONDocument] = []
        for (snapshot, outcome) in zip(snapshots, result.outcomes) {
            switch outcome {
            case .done, .notSent: break
            case .failed(let error) where error.isOfForeignIndex:
                refusals.append(Refusal(id: snapshot.text("_id"), error: error))
            case .failed(let error) where error.code == .duplicateKey: standing.append(snapshot)
            case .failed(let error), .unknown(let error): throw error
            }
        }
        return standing
    }

    /// Of a damaged aggregate nobody can say what the snapshot should be: the one in use stays what it is.
    private func carryOver(_ damaged: [Assessment], into collection: String) async throws -> [Finding] {
        guard !damaged.isEmpty else { return [] }
        return try await store.client.withConnection(.single) { connection in
            try damaged.compactMap { assessment in
                let id: BSONDocument = ["_id": .string(assessment.text)]
                if let old = try connection.findOne(id, in: liveNamespace, decode: { BSONDocument($0) }) {
                    try connection.replaceOne(
                        id, with: old, upsert: true, in: namespace(collection), writeConcern: WriteConcern(.majority))
                }
                var finding = assessment.finding
                finding?.repair = SnapshotWrite.none("the journal is never changed; the snapshot was taken over as it was")
                    .repair(isDryRun: false)
                return finding
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
                // Of a damaged aggregate the snapshot stays what it is; one that is too large for the server ends the swap.
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
        let filter: BSONDocument = ["_id": ["$in": .array(ids.map { .string($0.rawValue) })]]
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

extension BSONDocument {
    fileprivate func text(_ key: String) -> String { if case .string(let text) = self[key] { text } else { "" } }
}

extension DaybookError {
    /// A unique index that is none of Daybook's has refused a snapshot.
    init(uniqueIndexOf collection: Namespace, _ error: MongoError, aggregateID: String) {
        let fields = error.keyPattern.isEmpty ? "" : " over (\(error.keyPattern.joined(separator: ", ")))"
        self.init(
            .foreignIndex,
            "a unique index of \(collection)\(fields) refuses its snapshot: another aggregate's has the same value, and the journal says that "
                + "both are right. Drop that index, or change one of the two aggregates; then start this again.",
            aggregateID: aggregateID, underlying: error)
    }
}

extension MongoError {
    /// Whether the collection of that name is gone, or another one.
    fileprivate var isOfAnotherCollection: Bool { serverError == .namespaceNotFound || serverError == .collectionUUIDMismatch }
}

extension MongoConnection {
    /// Runs a command on a collection only if it still is the one of this UUID, where the server can check that: since MongoDB 6.0 it refuses
    /// another with CollectionUUIDMismatch (checkCollectionUUIDMismatch in its source).
    fileprivate func write(
        _ command: BSONDocument, of uuid: UUID, database: String, writeConcern: WriteConcern? = nil
    ) throws(MongoError) -> BSONDocument {
        guard checksCollectionUUIDs else {
            return try write(command, database: database, writeConcern: writeConcern, takesLong: true)
        }
        var exact = command
        // Fails only for a key with NUL, or at 2 GiB.
        try? exact.append("collectionUUID", .binary(BSONBinary(uuid)))
        do {
            return try write(exact, database: database, writeConcern: writeConcern, takesLong: true)
        } catch {
            // A 6.0 that still has the feature compatibility version 5.0 refuses the field, before it does anything.
            guard [.invalidOptions, .commandNotSupported, .unknownField].contains(error.serverError) else { throw error }
            return try write(command, database: database, writeConcern: writeConcern, takesLong: true)
        }
    }
}
