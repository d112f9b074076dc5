@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation

/// The steps of a swap in a ``SwapWorld``.
struct ModelSwapDatabase: SwapDatabase {
    let world: SwapWorld
    let process: SwapWorld.Process
    let type: AggregateType
    let epoch: Int

    var live: String { SwapWorld.live(type) }
    var buildNames: [String] { DatabasePlan.rebuildCollections(of: live) }

    func check() async throws { try await world.request(process, "check") {} }
    func refuseNewer(among ids: [AggregateID]?) async throws { try await world.request(process, "refuse newer") {} }
    func addIndexes(to build: SnapshotBuild) async throws -> Bool {
        try await world.request(process, "look at indexes") { false }
    }
    func pause(_ attempt: Int) async throws { try await world.request(process, "pause") {} }

    func requireLease() async throws {
        try await world.request(process, "renew lease") { try world.renew(type, epoch: epoch) }
    }

    func collections() async throws -> [String: UUID] {
        try await world.request(process, "collections") {
            var found: [String: UUID] = [:]
            for name in [live] + buildNames { found[name] = world.collections[name]?.uuid }
            return found
        }
    }

    func lastBuildName() async throws -> String? {
        try await world.request(process, "last build") {
            world.runs.values.filter { $0.builds[type.rawValue] != nil }.max { $0.startedAt < $1.startedAt }?
                .builds[type.rawValue]?.collection
        }
    }

    func drop(_ build: SnapshotBuild) async throws {
        try await world.request(process, "drop \(build.collection)", isWrite: true) {
            if world.isExpected(build) { world.collections[build.collection] = nil }
        }
    }

    func create(_ name: String) async throws -> SnapshotBuild {
        // One that is there already, with the same options, is taken for it.
        try await world.request(process, "create \(name)", isWrite: true) {
            _ = world.collectionForWrite(name)
            world.builds[type, default: 0] += 1
            world.turns[type, default: 0] += 1
        }
        let uuid = try await world.request(process, "UUID of \(name)") { world.collections[name]?.uuid }
        guard let uuid else { throw DaybookError(.server, "it was dropped") }
        try await world.request(process, "indexes of \(name)", isWrite: true) {
            world.collectionForWrite(name).hasIndexes = true
        }
        return SnapshotBuild(collection: name, uuid: uuid)
    }

    func rename(_ build: SnapshotBuild, to name: String) async throws -> RenameOutcome {
        let consumed = process.consumed[type] ?? 0
        let turns = world.turns[type] ?? 0
        do {
            try await world.request(process, "rename \(build.collection) to \(name)", isWrite: true) {
                // Where the server checks no UUID, only the names in turn keep a late rename from another build. It
                // would have to be under way for two of them, and the product has the server give it up after 10 s,
                // before its lease can be another's.
                guard world.checksUUIDs || (world.turns[type] ?? 0) - turns < 2 else { return }
                try world.rename(build, to: name, type: type, consumed: consumed, by: process)
                if name != live { world.turns[type, default: 0] += 1 }
            }
            return .done
        } catch let error as MongoError {
            return .unknown(error)
        }
    }

    // MARK: Journal

    struct Feed: SwapFeed {
        let database: ModelSwapDatabase

        func next() async throws -> SwapFeedElement {
            let (world, process, type) = (database.world, database.process, database.type)
            return try await world.request(process, "next change of \(type)") {
                let position = process.consumed[type] ?? 0
                if position < world.oldestPlace { throw JournalPlaceLost(underlying: SwapWorld.Killed()) }
                process.looks += 1
                // A stream that was idle before the last events came.
                guard process.looks % 3 > 0 else {
                    return SwapFeedElement(isIdle: true, token: ModelSwapDatabase.token(position))
                }
                guard let index = world.journal.indices[position...].first(where: { world.journal[$0].id.type == type })
                else {
                    process.consumed[type] = world.journal.count
                    if let mark = process.marks.removeValue(forKey: type) {
                        return SwapFeedElement(mark: mark.id, token: ModelSwapDatabase.token(world.journal.count))
                    }
                    return SwapFeedElement(isIdle: true, token: ModelSwapDatabase.token(world.journal.count))
                }
                if let mark = process.marks[type], mark.position <= index {
                    process.marks[type] = nil
                    return SwapFeedElement(mark: mark.id, token: ModelSwapDatabase.token(position))
                }
                process.consumed[type] = index + 1
                return SwapFeedElement(
                    id: world.journal[index].id, version: world.journal[index].version,
                    token: ModelSwapDatabase.token(index + 1))
            }
        }
    }

    static func token(_ position: Int) -> ResumeToken { ResumeToken(["position": .int64(Int64(position))])! }

    func follow(after token: ResumeToken?) async throws -> Feed {
        try await world.request(process, "follow \(type)") {
            if let token {
                guard case .int64(let position) = token.document["position"], position >= world.oldestPlace else {
                    throw JournalPlaceLost(underlying: SwapWorld.Killed())
                }
                process.consumed[type] = Int(position)
            } else {
                process.consumed[type] = world.journal.count
            }
            return Feed(database: self)
        }
    }

    func mark() async throws -> UUID {
        try await world.request(process, "mark") {
            let id = world.newUUID()
            process.marks[type] = (id, world.journal.count)
            return id
        }
    }

    // MARK: Snapshots

    func fill(
        _ build: SnapshotBuild, _ parts: [Int], _ report: ReconcileReport.Builder,
        refused: @escaping @Sendable ([AggregateID], any Error) async -> Void
    ) async throws {
        for index in parts {
            while true {
                let part = await report.record.run.parts[index]
                guard !part.isDone else { break }
                let next = try await world.request(process, "fold some of \(type)") {
                    world.versions.filter { $0.key.type == type && part.has($0.key.rawValue) }
                        .min { $0.key.rawValue.isBefore($1.key.rawValue) }
                }
                guard let (id, version) = next else {
                    try await report.record.finished(index)
                    break
                }
                try await write(id, version, into: build.collection, replacesOther: true)
                try await report.advance(part: index, to: id.rawValue, checked: 1, events: 1, written: 1, findings: [])
            }
        }
    }

    private func write(_ id: AggregateID, _ version: Int64, into collection: String, replacesOther: Bool) async throws {
        let builds = world.builds[type] ?? 0
        try await world.request(process, "write \(id) \(version) into \(collection)", isWrite: true) {
            // Writes are sent to a name, and builds have two names in turn. So a write would have to be under way for
            // two whole builds to come into one that is not its own, and no server keeps the request of a closed
            // connection for so long.
            guard (world.builds[type] ?? 0) - builds < 2 else { return }
            let collection = world.collectionForWrite(collection)
            if let found = collection.snapshots[id] {
                let isOther = replacesOther && found.version == version && found.program != process.program
                guard found.version < version || isOther else { return }
            }
            collection.snapshots[id] = SwapWorld.Snapshot(version: version, program: process.program)
        }
    }

    func catchUp(_ heads: [AggregateID: Int64], into collection: String) async throws -> [AggregateID: any Error] {
        for id in heads.keys.sorted(by: { $0.rawValue.isBefore($1.rawValue) }) {
            let version = try await world.request(process, "fold \(id)") { world.versions[id] }
            if let version { try await write(id, version, into: collection, replacesOther: false) }
        }
        return [:]
    }

    func remove(_ ids: [AggregateID], from build: SnapshotBuild) async throws {
        try await world.request(process, "remove from \(build.collection)", isWrite: true) {
            for id in ids { world.collections[build.collection]?.snapshots[id] = nil }
        }
    }
}

extension MaintenanceRun.Part {
    fileprivate func has(_ id: String) -> Bool {
        let isAfter = position.map { $0.isBefore(id) } ?? !id.isBefore(range.lower)
        return isAfter && id.isBefore(range.upper)
    }
}

/// The records of runs in a ``SwapWorld``.
struct ModelRunLog: RunLog {
    let world: SwapWorld
    let process: SwapWorld.Process

    func now() -> Date { world.time }

    func insert(_ run: MaintenanceRun) async throws {
        try await world.request(process, "insert run", isWrite: true) { world.runs[run.id] = run }
    }

    func update(_ run: MaintenanceRun, heldBy holder: String) async throws -> Bool {
        try await world.request(process, "save run", isWrite: true) {
            guard world.runs[run.id]?.holder == holder else { return false }
            // As it is stored and read again.
            guard let stored = try MaintenanceRun(run.document) else { return false }
            world.runs[run.id] = stored
            return true
        }
    }

    func last(like run: MaintenanceRun) async throws -> MaintenanceRun? {
        try await world.request(process, "last run") {
            world.runs.values.filter { $0.types == run.types && $0.kind == run.kind && $0.isSwap == run.isSwap }
                .max { $0.startedAt < $1.startedAt }
        }
    }

    func hasRun(of types: [String], since date: Date, byOtherThan program: String) async throws -> Bool {
        try await world.request(process, "runs of other programs") {
            world.runs.values.contains { run in
                run.program != program && run.updatedAt >= date && run.types.contains { types.contains($0) }
            }
        }
    }

    func unfinishedSwaps(of types: [String]) async throws -> [MaintenanceRun] {
        try await world.request(process, "unfinished runs") {
            world.runs.values.filter { $0.isSwap && $0.isUnfinished && $0.types.contains { types.contains($0) } }
                .sorted { $0.startedAt > $1.startedAt }
        }
    }
}
