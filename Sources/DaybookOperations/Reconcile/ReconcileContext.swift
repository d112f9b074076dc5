internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Synchronization

/// What the parts of a reconcile job share while it works.
struct ReconcileContext: Sendable {
    let store: DaybookStore
    let work: ReconcileJob.Work
    let options: ReconcileOptions
    let report: ReconcileReport.Builder
    /// Nil where as many snapshots are written a second as can be.
    let pace: Pace?

    /// Does `body` with each of some parts that are not done, as many at a time as there are workers.
    func forEach(_ parts: [Int], _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        let run = await report.record.run
        let queue = Queue(parts.filter { !run.parts[$0].isDone })
        let workers = max(1, min(options.workers, parts.count, (store.client.maximumConnections - 3) / 3))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<workers {
                group.addTask {
                    while let part = queue.next() {
                        try Task.checkCancellation()
                        try await body(part)
                    }
                }
            }
            // The first error ends the others' work, and not only when they have come to their ends.
            while try await group.next() != nil {}
        }
    }

    /// Hands out the parts, each once.
    private final class Queue: Sendable {
        private let parts: Mutex<ArraySlice<Int>>

        init(_ parts: [Int]) {
            self.parts = Mutex(parts[...])
        }

        func next() -> Int? { parts.withLock { $0.popFirst() } }
    }

    /// Compares one part, and repairs it where that is the work.
    func reconcile(_ part: Int, of target: ReconcileTarget) async throws {
        let checker = target.makeChecker(work.depth)
        let confirmation = Confirmation(store: store, checker: checker)
        let repair = repair(by: confirmation, at: pace)
        // A rebuild in place needs no second look where the compare-and-set of the repair is one.
        let isTrusting = work.isRebuild && !options.isDryRun
        try await pass(part, by: checker) { suspects in
            let certain = isTrusting ? suspects.filter(\.isConfirmedByCompareAndSet) : []
            let doubtful = isTrusting ? suspects.filter { !$0.isConfirmedByCompareAndSet } : suspects
            let confirmed = try await certain + confirmation.confirm(doubtful)
            return try await repair?.repair(confirmed) ?? (confirmed.map { $0.finding() }, 0)
        }
    }

    /// Nil where nothing is repaired.
    private func repair(by confirmation: Confirmation, at pace: Pace?) -> SnapshotRepair? {
        work.kinds.map { kinds in
            SnapshotRepair(
                confirmation: confirmation, kinds: kinds, replacesWhole: work.isRebuild, isDryRun: options.isDryRun, pace: pace)
        }
    }

    /// Goes through one part, from where it was left, as often as the connection breaks on the way.
    ///
    /// - Parameter handle: What is done about the suspects of a batch. It returns what there is to report, and how many snapshots
    ///   were written.
    func pass(
        _ part: Int, by checker: Checker,
        handle: @escaping @Sendable ([Suspect]) async throws -> (findings: [Finding], written: Int)
    ) async throws {
        let record = report.record
        let confirmation = Confirmation(store: store, checker: checker)
        let commits = commits
        let check = RangeCheck(
            store: store, checker: checker, range: await record.run.parts[part].range, commits: commits,
            maximumSuspects: pace?.portion(of: 500) ?? 500)
        var patience = Patience()
        while true {
            let position = await record.run.parts[part].position
            do {
                try await check.run(after: position) { batch in
                    var (findings, written) = try await handle(confirmation.foldAgain(batch.suspects, where: \.isUncertain))
                    if let commits, !batch.torn.isEmpty { findings += try await commits.confirm(batch.torn) }
                    try await report.advance(
                        part: part, to: batch.position, checked: batch.checked, events: batch.events, written: written,
                        findings: findings)
                }
                return try await record.finished(part)
            } catch let error as MongoError where error.isOfTheMoment {
                try await patience.wait(after: error, hasProgressed: await record.run.parts[part].position != position)
            }
        }
    }

    /// Commits are looked at by a full verify alone: a repair can do nothing about them.
    private var commits: CommitCheck? {
        guard work == .verify(.full), options.checksCommits else { return nil }
        // Of single aggregates each says whether its commits are whole.
        return CommitCheck(store: store, comparesAll: !options.ids.isEmpty)
    }

    // MARK: Strays

    /// How many strays are in memory at a time, and about how many bytes of them.
    private static let strayPage = 500
    private static let strayBytes = 16 << 20

    /// Reports or deletes documents among the snapshots that no aggregate of the type can have: their ids are of another type, or
    /// no text at all.
    ///
    /// They come before and after the ids of the type, in the order of the index on `_id`, which has values of every type: so
    /// nothing else is looked at, and none is missed.
    /// https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
    func reconcileStrays(of target: ReconcileTarget) async throws {
        guard let snapshots = target.snapshots else { return }
        // A stray is what it is at the first look, whatever its events say.
        let repair = repair(by: Confirmation(store: store, checker: .envelopes(target)), at: nil)
        let range = IDRange(target.type)
        for (lower, upper) in [(nil, range.lower), (range.upper, nil)] as [(String?, String?)] {
            var place = StrayPlace(lower: lower.map { .string($0) }, upper: upper.map { .string($0) })
            var patience = Patience()
            while true {
                do {
                    let strays = try await strays(in: snapshots, besides: range, at: place)
                    guard let end = strays.last?.document[SnapshotKey.id] else { break }
                    let suspects = strays.map(Suspect.init(stray:))
                    let (findings, written) = try await repair?.repair(suspects) ?? (suspects.map { $0.finding() }, 0)
                    try await report.advance(
                        part: nil, to: nil, checked: strays.count, events: 0, written: written, findings: findings)
                    place.lower = end
                    place.isLowerDone = true
                    patience = Patience()
                } catch let error as MongoError where error.isOfTheMoment {
                    try await patience.wait(after: error, hasProgressed: false)
                }
            }
        }
    }

    /// Where strays are looked for: from `lower` on, before `upper`.
    private struct StrayPlace: Sendable {
        var lower: BSONValue?
        let upper: BSONValue?
        /// Whether the one that has the lower bound as its id was handled. It may have been deleted since.
        var isLowerDone = false
    }

    /// Some that follow one another.
    private func strays(in snapshots: Namespace, besides range: IDRange, at place: StrayPlace) async throws -> [FoundSnapshot] {
        var options = FindOptions(sort: [(SnapshotKey.id, 1)], limit: Self.strayPage + 1)
        options.hint = [SnapshotKey.id: 1]
        options.minimum = place.lower.map { [SnapshotKey.id: $0] }
        options.maximum = place.upper.map { [SnapshotKey.id: $0] }
        let page = options
        return try await store.client.withConnection(.single) { connection in
            var strays: [FoundSnapshot] = []
            var bytes = 0
            try connection.find([:], in: snapshots, options: page) { document in
                let stray = FoundSnapshot(BSONDocument(document))
                let id = stray.document[SnapshotKey.id]
                if place.isLowerDone, id == place.lower { return true }
                // A server that passes over the bounds must not lead to the deletion of a snapshot.
                if let text = id?.text, range.contains(text) { return true }
                strays.append(stray)
                bytes += stray.document.bytes.count
                return strays.count < Self.strayPage && bytes < Self.strayBytes
            }
            return strays
        }
    }
}

extension Suspect {
    /// Whether its repair writes only if the snapshot still is as it was seen, and needs no more than that to be right.
    fileprivate var isConfirmedByCompareAndSet: Bool {
        switch kind {
        case .missing, .stale, .outdated, .diverged: true
        default: false
        }
    }
}
