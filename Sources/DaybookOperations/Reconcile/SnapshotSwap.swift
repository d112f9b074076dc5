internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Synchronization

/// Builds the snapshots of one kind anew in a collection beside the one in use, follows the journal until it has
/// everything, and takes its place.
///
/// The journal is followed from before the build until after the rename, so no commit is missed: what was built before
/// it came is caught up. Commits meet the new collection as they meet any snapshot that lags.
///
/// A build is known by its UUID, never by its name: a run that died may have left a collection of that name, and the
/// server may do what a dead process asked of it late. The lease is checked right before every rename.
struct SnapshotSwap<Database: SwapDatabase>: Sendable {
    private enum Phase: Sendable {
        case building(SnapshotBuild)
        case renamed
    }

    /// Where a build is now.
    private enum Place {
        case live
        case under(String)
        case nowhere
    }

    /// The build is gone: dropped by an operator, or by a process that took the run over.
    private struct BuildLost: Error {}

    private static var maximumAttempts: Int { 5 }

    let database: Database
    let type: AggregateType
    /// The parts of the run that are this kind's.
    let parts: [Int]
    let report: ReconcileReport.Builder

    private var record: MaintenanceRun.Record { report.record }

    func run() async throws {
        guard await !record.run.swapped.contains(type.rawValue) else { return }
        try await database.check()
        for attempt in 1... {
            do {
                try await swap()
                break
            } catch is BuildLost {
                guard attempt < Self.maximumAttempts else {
                    throw DaybookError(
                        .conflict,
                        "the collection that the snapshots of \(type) are built in was dropped or renamed \(attempt) "
                            + "times, by something else than this program. Find out by what, and start this again.")
                }
            } catch let error as JournalPlaceLost {
                guard attempt < Self.maximumAttempts else { throw error.underlying }
            }
            await record.abandoned(type)
        }
        // What is left under the names of builds is no run's: this one holds the lease, and its build has the other
        // name.
        try await dropBuilds()
        try await record.swapped(type)
    }

    private func swap() async throws {
        let (phase, feed) = try await begin()
        let shared = SharedState()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await build(phase, shared) }
            group.addTask { try await follow(feed, from: phase, shared) }
            // The first error ends the other task.
            while try await group.next() != nil {}
        }
    }

    // MARK: Begin

    /// The journal, followed from where the run was left, and what there is to do; everything anew where it cannot be
    /// resumed.
    private func begin() async throws -> (Phase, Database.Feed) {
        let run = await record.run
        if let build = run.builds[type.rawValue], let token = run.tokens[type.rawValue].flatMap(ResumeToken.init) {
            do {
                switch try await fence(build) {
                case .live: return (.renamed, try await database.follow(after: token))
                case .under(let name):
                    let moved = SnapshotBuild(collection: name, uuid: build.uuid)
                    return (.building(moved), try await database.follow(after: token))
                case .nowhere: break
                }
            } catch is JournalPlaceLost {
                await record.abandoned(type)
            }
        }
        return try await beginAnew()
    }

    private func beginAnew() async throws -> (Phase, Database.Feed) {
        var last = await record.run.builds[type.rawValue]?.collection
        if last == nil { last = try await database.lastBuildName() }
        let feed = try await database.follow(after: nil)
        // What comes with the first token is in the journal before the build reads it.
        let token = try await feed.next().token
        // Not before: where the journal cannot be followed, the build of an earlier run stays for one that can.
        try await dropBuilds()
        try await database.requireLease()
        let build = try await database.create(database.buildNames.first { $0 != last } ?? database.buildNames[0])
        try await record.restart(parts, type, in: build, from: token)
        return (.building(build), feed)
    }

    private func dropBuilds() async throws {
        try await database.requireLease()
        let there = try await database.collections()
        for name in database.buildNames {
            if let uuid = there[name] { try await database.drop(SnapshotBuild(collection: name, uuid: uuid)) }
        }
    }

    /// Moves the build of an earlier process to the other name, so that nothing which that process had sent can meet it
    /// any more: neither a rename that the server does late, nor a write, which would make a new collection of the old
    /// name.
    private func fence(_ build: SnapshotBuild) async throws -> Place {
        let found = try await place(of: build)
        guard case .under(let name) = found else { return found }
        // The run may have written to a new collection of the old name since. A process that died right after its fence
        // looks the same, and is not told apart: its work is done again.
        guard name == build.collection else { return .nowhere }
        guard let other = database.buildNames.first(where: { $0 != name }) else { return .nowhere }
        let place = try await move(build, to: other)
        if case .under(let name) = place {
            try await record.moved(SnapshotBuild(collection: name, uuid: build.uuid), type)
        }
        return place
    }

    private func place(of build: SnapshotBuild) async throws -> Place {
        let there = try await database.collections()
        if there[database.live] == build.uuid { return .live }
        return database.buildNames.first { there[$0] == build.uuid }.map { .under($0) } ?? .nowhere
    }

    /// Renames the build to `target`, unless it is in use already. Whether a rename was done is seen by the UUID alone:
    /// an answer may be lost, and an earlier request may be done after a later one was sent.
    ///
    /// - Parameter expected: The only name that it is renamed from; nil for either. What was written is under that
    ///   name.
    private func move(_ build: SnapshotBuild, from expected: String? = nil, to target: String) async throws -> Place {
        for attempt in 1... {
            let place = try await place(of: build)
            guard case .under(let name) = place, name != target else { return place }
            // An earlier process's rename was done late, and what was written since went to another collection of the
            // old name.
            if let expected, name != expected { return .nowhere }
            try await database.requireLease()
            switch try await database.rename(SnapshotBuild(collection: name, uuid: build.uuid), to: target) {
            case .done where attempt < 10: continue
            case .done: return .nowhere
            case .unknown(let error):
                guard attempt < 10 else { throw error }
                try await database.pause(attempt)
            }
        }
        return .nowhere
    }

    // MARK: Build

    /// What the two tasks of a swap tell each other.
    private final class SharedState: Sendable {
        private struct State {
            var isBuilt = false
            /// The aggregates that changed since the look for snapshots of a newer program began; nil before.
            var changed: Set<AggregateID>?
            /// Why a unique index of the operator's refused a snapshot, the last time.
            var refusal: (any Error)?
        }

        private let state = Mutex(State())

        var isBuilt: Bool { state.withLock { $0.isBuilt } }
        func setBuilt() { state.withLock { $0.isBuilt = true } }

        var changed: [AggregateID] { state.withLock { Array($0.changed ?? []) } }
        func collectChanges() { state.withLock { $0.changed = [] } }
        func note(changed id: AggregateID) { state.withLock { _ = $0.changed?.insert(id) } }

        var refusal: (any Error)? { state.withLock { $0.refusal } }
        func note(_ refusal: any Error) { state.withLock { $0.refusal = refusal } }
    }

    private func build(_ phase: Phase, _ shared: SharedState) async throws {
        if case .building(let build) = phase {
            try await database.fill(build, parts, report) { ids, error in
                shared.note(error)
                await record.refuse(ids, type)
            }
            // Both may take long, so they are done while the journal is followed; what comes meanwhile is looked at
            // before the rename.
            shared.collectChanges()
            try await database.refuseNewer(among: nil)
            _ = try await database.addIndexes(to: build)
        }
        shared.setBuilt()
    }

    // MARK: Follow

    /// How many changed aggregates are caught up together, at most.
    private static var maximumPending: Int { 200 }
    private static var portion: Int { 50 }
    private static var interval: Duration { .milliseconds(500) }
    /// How many snapshots a unique index may refuse at a time, and how often they are tried again when all else is
    /// done.
    private static var maximumRefused: Int { 1_000 }
    private static var maximumRounds: Int { 5 }

    private func follow(_ feed: Database.Feed, from phase: Phase, _ shared: SharedState) async throws {
        guard case .building(let build) = phase else { return try await finish(feed) }
        var pending: [AggregateID: Int64] = [:]
        var lastCaughtUp = ContinuousClock.now
        var lastLooked = ContinuousClock.now
        var rounds = 0
        /// What was committed before it was written has to be seen.
        var mark: UUID?
        var hasSeenMark = false
        while true {
            let element = try await feed.next()
            if let id = element.id {
                pending[id] = max(pending[id] ?? 0, element.version)
                shared.note(changed: id)
            }
            if let seen = element.mark, seen == mark { hasSeenMark = true }
            let isDue = element.isIdle || hasSeenMark || ContinuousClock.now - lastCaughtUp > Self.interval
            guard isDue || pending.count >= Self.maximumPending else { continue }
            try await catchUp(pending, in: build, shared)
            pending = [:]
            lastCaughtUp = .now
            try await record.followed(to: element.token, type)
            if ContinuousClock.now - lastLooked > .seconds(5) {
                // A build that was dropped by hand is found missing now, and not after hours.
                guard case .under = try await place(of: build) else { throw BuildLost() }
                lastLooked = .now
            }
            guard shared.isBuilt else { continue }
            guard mark != nil else {
                mark = try await database.mark()
                continue
            }
            guard hasSeenMark else { continue }
            mark = nil
            hasSeenMark = false
            guard await record.refused(type).isEmpty else {
                rounds += 1
                if rounds > Self.maximumRounds, let refusal = shared.refusal { throw refusal }
                continue
            }
            if try await database.addIndexes(to: build) { continue }
            try await database.refuseNewer(among: shared.changed)
            // Whatever waits for its second is saved first: after the rename there is no way back to the build.
            try await record.save()
            guard case .live = try await move(build, from: build.collection, to: database.live) else {
                throw BuildLost()
            }
            return try await finish(feed)
        }
    }

    /// Writes what the journal has of some aggregates, and of those that were refused.
    private func catchUp(_ heads: [AggregateID: Int64], in build: SnapshotBuild, _ shared: SharedState) async throws {
        let refused = await record.refused(type)
        // Two aggregates may have exchanged what is unique: each older snapshot is in the other's way. Nobody reads a
        // build, so they may go.
        if !refused.isEmpty { try await database.remove(refused, from: build) }
        let all = heads.merging(refused.map { ($0, 0) }) { seen, _ in seen }
        for portion in Self.portions(of: all) {
            let failures = try await database.catchUp(portion, into: build.collection)
            if let refusal = failures.values.first { shared.note(refusal) }
            await record.accept(portion.keys.filter { failures[$0] == nil }, type)
            await record.refuse(Array(failures.keys), type)
        }
        let count = await record.refused(type).count
        if count > Self.maximumRefused, let refusal = shared.refusal { throw refusal }
    }

    private static func portions(of heads: [AggregateID: Int64]) -> [[AggregateID: Int64]] {
        let all = Array(heads)
        return stride(from: 0, to: all.count, by: portion).map { start in
            Dictionary(uniqueKeysWithValues: all[start..<min(start + portion, all.count)].map { ($0.key, $0.value) })
        }
    }

    // MARK: Finish

    /// Aggregates whose changes were read, and not yet caught up.
    private final class Backlog: Sendable {
        private let heads = Mutex<[AggregateID: Int64]>([:])
        private let signal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

        func add(_ id: AggregateID, version: Int64) {
            heads.withLock { $0[id] = max($0[id] ?? 0, version) }
            signal.continuation.yield()
        }

        func end() { signal.continuation.finish() }

        /// Hands over what has come, again and again, until the end.
        func forEach(_ body: ([AggregateID: Int64]) async throws -> Void) async throws {
            for await _ in signal.stream { try await body(take()) }
            try await body(take())
        }

        private func take() -> [AggregateID: Int64] {
            heads.withLock { heads in
                defer { heads = [:] }
                return heads
            }
        }
    }

    /// Catches up, in the collection in use, the commits whose snapshots went to the one before: those between the last
    /// look and the rename.
    ///
    /// Queries miss them until then, so what has been read is written at once, while the next is read. The token that
    /// is saved stays the one of before: should this process end here, all of it is done again.
    private func finish(_ feed: Database.Feed) async throws {
        // A majority has what this writes, and with it the rename before, also where another process or an unanswered
        // request has done that: all that went to the collection before is shown by then.
        try await database.requireLease()
        let mark = try await database.mark()
        let backlog = Backlog()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var refused: [AggregateID: any Error] = [:]
                try await backlog.forEach { heads in
                    for id in heads.keys { refused[id] = nil }
                    refused.merge(try await catchUpLive(heads)) { $1 }
                }
                // One snapshot may have what is unique in another's that is still to be written.
                while !refused.isEmpty {
                    let left = try await catchUpLive(refused.mapValues { _ in 0 })
                    // A round that writes none is as good as all that would follow.
                    if left.count >= refused.count, let refusal = left.values.first { throw refusal }
                    refused = left
                }
            }
            group.addTask {
                while true {
                    let element = try await feed.next()
                    if let id = element.id { backlog.add(id, version: element.version) }
                    if element.mark == mark { return backlog.end() }
                }
            }
            while try await group.next() != nil {}
        }
    }

    /// - Returns: Those that a unique index refuses.
    private func catchUpLive(_ heads: [AggregateID: Int64]) async throws -> [AggregateID: any Error] {
        var refused: [AggregateID: any Error] = [:]
        for portion in Self.portions(of: heads) {
            refused.merge(try await database.catchUp(portion, into: database.live)) { $1 }
        }
        return refused
    }
}
