internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Synchronization

/// Builds the snapshots of one kind anew in a collection beside the one in use, follows the journal until it has everything, and takes its place.
///
/// The journal's change stream is opened before the build and read until after the rename, so no commit is missed: what was built before it came
/// is caught up. Commits meet the new collection as they meet any snapshot that lags.
struct SnapshotSwap<A: Aggregate>: Sendable {
    /// How many changed aggregates are caught up together, at most.
    private static var maximumPending: Int { 200 }
    private static var interval: Duration { .milliseconds(500) }

    let reconciliation: Reconciliation
    let live: Namespace
    /// The parts of the run that are this kind's.
    let parts: [Int]
    let record: RunRecord
    let pace: Pace?

    private var store: DaybookStore { reconciliation.store }
    private var building: Namespace {
        Namespace(database: live.database, collection: DatabasePlan.rebuildCollection(of: live.collection))
    }

    private enum Phase: Sendable { case building, renamed }

    func run() async throws {
        guard await !record.run.swapped.contains(A.type.rawValue) else { return }
        try await store.client.withConnection(.single) { try refuseWhatCannotBeSwapped(on: $0) }
        let (phase, stream) = try await begin()
        let isBuilt = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                if phase == .building { try await build() }
                isBuilt.set()
            }
            group.addTask { try await follow(stream, from: phase, isBuilt) }
            try await group.waitForAll()
        }
        try await record.swapped(A.type)
    }

    /// Set once, by one task, for another.
    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }

    // MARK: Before

    private func refuseWhatCannotBeSwapped(on connection: isolated MongoConnection) throws {
        let newer: BSONDocument = ["stateSchema": ["$gt": .int32(A.stateSchema)]]
        if let id = try connection.findOne(newer, in: live, decode: { try? $0.first("_id")?.string() }) {
            throw DaybookError(
                .conflict,
                "\(live) has snapshots of a newer program, with a higher stateSchema than \(A.stateSchema), which a swap would lose. Rebuild "
                    + "with that program, or without swap: then they are left.", aggregateID: id)
        }
        let description = try? connection.read(["collStats": .string(live.collection)], database: live.database)
        guard description?["sharded"] == .bool(true) else { return }
        throw DaybookError(
            .unsupportedServer,
            "\(live) is sharded, and the collection that would take its place is not. Rebuild without swap.")
    }

    /// The change stream, opened where the run was left, and what there is to do; everything anew where it cannot be gone on with.
    private func begin() async throws -> (Phase, ChangeStream<JournalHead?>.Iterator) {
        let run = await record.run
        if let token = run.tokens[A.type.rawValue].map(ResumeToken.init) {
            let exists = try await store.client.withConnection(.single) { connection in
                try !connection.collections(named: [building.collection], in: building.database).isEmpty
            }
            let isBuilt = parts.allSatisfy { run.parts[$0].isDone }
            // Built and not there: it was renamed, and the last look is what is missing.
            if exists || isBuilt {
                let stream = store.journalHeads(of: A.type, after: token).makeAsyncIterator()
                do {
                    try await stream.open()
                    return (exists ? .building : .renamed, stream)
                } catch let error as MongoError where !error.isOfTheMoment {
                    store.telemetry.logger.warning(
                        "the server no longer knows the place up to which the journal was followed; the snapshots are built anew",
                        [.aggregateType: A.type, .error: "\(error)"])
                }
            }
        }
        let stream = store.journalHeads(of: A.type, after: nil).makeAsyncIterator()
        try await stream.open()
        // What comes with the first token is in the journal before the build reads it.
        guard let token = try await stream.next()?.token else { throw CancellationError() }
        try await store.client.withConnection(.single) { try makeCollection(on: $0) }
        try await record.restart(parts, token, A.type)
        return (.building, stream)
    }

    /// An empty collection with every index of the one in use, those that the fields declare, and the options that an operator gave it.
    private func makeCollection(on connection: isolated MongoConnection) throws {
        do {
            _ = try connection.write(["drop": .string(building.collection)], database: building.database)
        } catch {
            guard error.serverError == .namespaceNotFound else { throw error }
        }
        var create: BSONDocument = ["create": .string(building.collection)]
        if case .document(let options)? = try connection.collections(named: [live.collection], in: live.database).first?[
            "options"]
        {
            for (key, value) in options.fields where key != "uuid" && key != "autoIndexId" { try create.append(key, value) }
        }
        _ = try connection.write(create, database: building.database)
        var indexes: [BSONDocument] = []
        for index in try connection.indexes(of: live) where index["name"] != "_id_" {
            var copy = BSONDocument()
            for (key, value) in index.fields where key != "ns" { try copy.append(key, value) }
            indexes.append(copy)
        }
        for index in A.indexes where !indexes.contains(where: { index.isSatisfied(by: $0) }) {
            indexes.append(try index.document())
        }
        guard !indexes.isEmpty else { return }
        _ = try connection.write(
            ["createIndexes": .string(building.collection), "indexes": .array(indexes.map { .document($0) })],
            database: building.database)
    }

    // MARK: Build

    private func build() async throws {
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
                    written += try await insert(part.compactMap(\.expected))
                    findings += try await carryOver(part.filter { $0.kind?.isDamage ?? false })
                }
                return (findings, written)
            }
        }
    }

    /// Inserts snapshots where none stand, and replaces those that are behind.
    private func insert(_ snapshots: [BSONDocument]) async throws -> Int {
        guard !snapshots.isEmpty else { return 0 }
        return try await store.client.withConnection(.single) { connection in
            let result = try connection.bulkWrite(snapshots.map { .insert($0) }, ordered: false, in: building)
            var standing: [BulkOperation] = []
            for (snapshot, outcome) in zip(snapshots, result.outcomes) {
                switch outcome {
                case .done: break
                case .failed(let error) where error.code == .duplicateKey:
                    let selector: BSONDocument = [
                        "_id": snapshot["_id"] ?? .null, "version": ["$lt": snapshot["version"] ?? .null],
                    ]
                    standing.append(.replaceOne(selector, replacement: snapshot))
                case .failed(let error), .unknown(let error): throw error
                case .notSent: break
                }
            }
            guard !standing.isEmpty else { return snapshots.count }
            for outcome in try connection.bulkWrite(standing, ordered: false, in: building).outcomes {
                switch outcome {
                case .done, .notSent: break
                case .failed(let error), .unknown(let error): throw error
                }
            }
            return snapshots.count
        }
    }

    /// Of a damaged aggregate nobody can say what the snapshot should be: the one in use stays what it is.
    private func carryOver(_ damaged: [Assessment]) async throws -> [Finding] {
        guard !damaged.isEmpty else { return [] }
        return try await store.client.withConnection(.single) { connection in
            try damaged.compactMap { assessment in
                if let old = try connection.findOne(["_id": .string(assessment.text)], in: live, decode: { BSONDocument($0) }) {
                    try connection.replaceOne(["_id": .string(assessment.text)], with: old, upsert: true, in: building)
                }
                var finding = assessment.finding
                finding?.repair = SnapshotWrite.none("the journal is never changed; the snapshot was taken over as it was")
                    .repair(isDryRun: false)
                return finding
            }
        }
    }

    // MARK: Follow

    private func follow(_ stream: ChangeStream<JournalHead?>.Iterator, from phase: Phase, _ isBuilt: Flag) async throws {
        var phase = phase
        var pending: Set<AggregateID> = []
        var lastSettled = ContinuousClock.now
        var latest = BSONTimestamp(seconds: 0, increment: 0)
        /// What happened before it has to be seen.
        var mark: BSONTimestamp?
        if phase == .renamed { mark = try await serverTime() }
        while let element = try await stream.next() {
            var isIdle = true
            if case .change(let head, _) = element {
                isIdle = false
                if let head {
                    pending.insert(head.id)
                    latest = head.clusterTime ?? latest
                }
            }
            // Behind the rename queries read what is caught up here, so nothing waits.
            let isDue = phase == .renamed || isIdle || ContinuousClock.now - lastSettled > Self.interval
            guard isDue || pending.count >= Self.maximumPending else { continue }
            try await settle(pending, in: phase == .building ? building : live)
            pending = []
            lastSettled = .now
            try await record.followed(to: element.token, A.type)
            guard isBuilt.isSet else { continue }
            guard let reached = mark else {
                mark = try await serverTime()
                continue
            }
            guard isIdle || latest >= reached else { continue }
            if phase == .renamed { return }
            // Whatever waits for its second is saved first: behind the rename there is no way back to the build.
            try await record.save()
            try await rename()
            phase = .renamed
            mark = try await serverTime()
        }
        throw CancellationError()
    }

    private func settle(_ ids: Set<AggregateID>, in collection: Namespace) async throws {
        let repository = store.repository(A.self)
        let ids = Array(ids)
        for start in stride(from: 0, to: ids.count, by: 50) {
            let portion = Array(ids[start..<min(start + 50, ids.count)])
            _ = try await store.client.withConnection(.single) { try repository.catchUp(portion, into: collection, on: $0) }
        }
    }

    /// The time of the server's last operation.
    private func serverTime() async throws -> BSONTimestamp {
        let reply = try await store.client.withConnection(.single) { try $0.read(["ping": 1], database: "admin") }
        if case .timestamp(let time) = reply["operationTime"] { return time }
        // Without it only silence tells that all was seen.
        return BSONTimestamp(seconds: .max, increment: .max)
    }

    /// https://www.mongodb.com/docs/manual/reference/command/renameCollection/
    private func rename() async throws {
        let command: BSONDocument = [
            "renameCollection": .string(building.description), "to": .string(live.description), "dropTarget": true,
        ]
        for attempt in 1... {
            do {
                _ = try await store.client.withConnection(.single) { try $0.write(command, database: "admin") }
                return
            } catch let error as MongoError where attempt < 10 && (error.isOfTheMoment || error.canBeTriedAgain) {
                let isThere = try await store.client.withConnection(.single) { connection in
                    try !connection.collections(named: [building.collection], in: building.database).isEmpty
                }
                // The request was done, and only its answer was lost.
                guard isThere else { return }
            }
        }
    }
}
