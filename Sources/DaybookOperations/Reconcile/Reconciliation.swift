internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Synchronization

/// Compares the snapshots of some aggregates with the journal, and puts right what is to be put right.
struct Reconciliation: Sendable {
    enum Work: Sendable, Hashable {
        case verify(VerifyDepth)
        case patch(Set<Finding.Kind>)
        case rebuild(swap: Bool, restart: Bool)
    }

    let store: DaybookStore
    let work: Work
    let options: ReconcileOptions
    /// The kinds of aggregates it is about, and what is known of each.
    let targets: [ReconcileTarget]
    let progress: @Sendable (ReconcileProgress) -> Void

    private var writes: Bool {
        if case .verify = work { false } else { !options.isDryRun }
    }

    func run() async throws -> ReconcileReport {
        let start = ContinuousClock.now
        var report: ReconcileReport
        if writes {
            // Before anything is written to a database that is none.
            try await store.client.withConnection(.single) { try store.requireJournal(on: $0) }
            let holder = DaybookStore.holder()
            let lease = MaintenanceLease(store: store, holder: holder, subjects: leaseSubjects)
            report = try await Self.explainingPermissions { try await lease.hold { try await reconcile(holder, $0) } }
        } else {
            report = try await reconcile("", nil)
        }
        report.findings.sort { $0.aggregateID.isBefore($1.aggregateID) }
        report.duration = ContinuousClock.now - start
        return report
    }

    /// A dry run has nothing to swap; it tells what differs.
    private var isSwap: Bool { if case .rebuild(swap: true, _) = work { writes } else { false } }

    private var leaseSubjects: [String] {
        options.ids.isEmpty ? targets.map { $0.subject.type.rawValue } : options.ids.map(\.rawValue)
    }

    /// - Parameter lease: Nil where nothing is written.
    private func reconcile(_ holder: String, _ lease: MaintenanceLease.Held?) async throws -> ReconcileReport {
        // One worker takes a type as one part, and all of them as all there is.
        let drawsIDs = options.ids.isEmpty && (options.workers > 1 || !options.types.isEmpty)
        let sample = try await store.client.withConnection(.single) {
            try JournalSample(of: store.journal, drawsIDs: drawsIDs, on: $0)
        }
        if sample.events == 0 {
            try await store.client.withConnection(.single) { try store.requireJournal(on: $0) }
        }
        if writes { try await prepareCollections() }
        let (run, earlier) = try await begin(sample, holder)
        let report = ReportBuilder(
            run, isKept: writes, totalEvents: sample.events(in: run.parts.map(\.range)), in: StoredRunLog(store: store),
            onProgress: progress)
        if let earlier { await report.add(earlier: earlier) }
        do {
            let pace = options.aggregatesPerSecond.map { Pace(perSecond: $0) }
            if isSwap, let lease {
                try await swap(report, pace, lease)
            } else {
                try await work(at: Array(run.parts.indices), of: run) { index in try await reconcile(index, report, pace) }
            }
            for target in targets where options.ids.isEmpty && !isSwap { try await settleStrays(of: target, report) }
            if !options.ids.isEmpty { await report.noteAbsentIDs() }
            if options.ids.isEmpty, options.types.isEmpty { await report.add(unknownTypes: try await unknownTypes()) }
            if writes { try await report.record.end(.done) }
        } catch {
            let isCancelled = error is CancellationError
            let reason =
                isCancelled
                ? nil : (DaybookError.enriching(error, operation: "reconcile", aggregateID: nil) as? DaybookError)?.message
            // In a task of its own, because this one may have been cancelled.
            if writes { await Task { try? await report.record.end(isCancelled ? .interrupted : .failed, reason: reason) }.value }
            throw error
        }
        return await report.result
    }

    /// A new run, or the earlier one that this continues.
    private func begin(_ sample: JournalSample, _ holder: String) async throws -> (run: ReconcileRun, earlier: ReconcileRun?) {
        let parts = targets.flatMap { target -> [ReconcileRun.Part] in
            let whole = IDRange(target.subject.type)
            let ids = options.ids.filter { $0.type == target.subject.type }
            let ranges =
                options.ids.isEmpty
                ? sample.parts(of: whole, count: max(4, 2 * min(options.workers, 1_000))) : ids.map { IDRange($0) }
            return ranges.map { ReconcileRun.Part(type: target.subject.type.rawValue, range: $0) }
        }
        let kind: ReconcileRun.Kind = if case .patch = work { .patch } else { .rebuild }
        let now = store.clock.now()
        let id = EventID(milliseconds: EventID.milliseconds(at: now), random: { .random(in: .min ... .max) }).uuid
        var program: String?
        // That of a patch too: a rebuild which another program has patched meanwhile is not resumed.
        if writes { program = await ProgramFingerprint.read() }
        let run = ReconcileRun(
            id: id, kind: kind, isSwap: isSwap, types: targets.map { $0.subject.type.rawValue }, ids: options.ids.map(\.rawValue),
            schemas: targets.map { $0.stateSchema ?? 0 }, program: program,
            holder: holder, at: now, parts: parts)
        guard writes else { return (run, nil) }
        var restarts = false
        if case .rebuild(_, restart: true) = work { restarts = true }
        return try await StoredRunLog(store: store).begin(run, resumes: kind == .rebuild, restart: restarts) { notice in
            store.telemetry.logger.notice("\(notice)")
        }
    }

    // MARK: Parts

    /// Does `body` with each of some parts that are not done, as many at a time as there are workers.
    func work(at parts: [Int], of run: ReconcileRun, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        let queue = Queue(parts.filter { !run.parts[$0].isDone })
        let workers = max(1, min(options.workers, parts.count, (store.client.maximumConnections - 3) / 3))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<workers {
                group.addTask {
                    while let index = queue.next() {
                        try Task.checkCancellation()
                        try await body(index)
                    }
                }
            }
            // The first error ends the others' work: it is not told only when they have come to their ends.
            while try await group.next() != nil {}
        }
    }

    private func reconcile(_ index: Int, _ report: ReportBuilder, _ pace: Pace?) async throws {
        let type = await report.record.run.parts[index].type
        try await targets.first { $0.subject.type.rawValue == type }?.reconcile(self, index, report, pace)
    }

    private func swap(_ report: ReportBuilder, _ pace: Pace?, _ lease: MaintenanceLease.Held) async throws {
        let parts = await report.record.run.parts
        for target in targets {
            let indices = parts.indices.filter { parts[$0].type == target.subject.type.rawValue }
            try await target.swap(self, indices, report, pace, lease)
        }
    }

    /// Hands out the parts, each once.
    private final class Queue: Sendable {
        private let indices: Mutex<ArraySlice<Int>>

        init(_ indices: [Int]) {
            self.indices = Mutex(indices[...])
        }

        func next() -> Int? { indices.withLock { $0.popFirst() } }
    }

    /// Compares one part, and repairs it where that is the work.
    func reconcile<F: AggregateFold>(
        _ fold: F.Type, _ subject: ReconcileSubject, _ index: Int, _ report: ReportBuilder, _ pace: Pace?
    ) async throws {
        let settlement = Settlement<F>(self, subject, pace)
        try await pass(fold, subject, index, report) { try await settlement.settle($0) }
    }

    /// Goes through one part, from where it was left, as often as the connection breaks on the way.
    ///
    /// - Parameter settle: What is done about the suspects of a batch: what there was to report, and how many snapshots were written.
    func pass<F: AggregateFold>(
        _ fold: F.Type, _ subject: ReconcileSubject, _ index: Int, _ report: ReportBuilder,
        _ settle: @escaping @Sendable ([Assessment]) async throws -> (findings: [Finding], written: Int)
    ) async throws {
        let record = report.record
        let pass = RangePass<F>(
            store: store, subject: subject, range: await record.run.parts[index].range, needsSnapshots: needsSnapshots,
            commits: commits,
            maximumSuspects: options.aggregatesPerSecond.map { Pace(perSecond: $0).portion(of: 500) } ?? 500)
        let second = SecondFold<F>(store: store, subject: subject, needsSnapshots: needsSnapshots)
        var patience = Patience()
        while true {
            let position = await record.run.parts[index].position
            do {
                try await pass.run(after: position) { batch in
                    var (findings, written) = try await settle(second.settle(batch.suspects, where: \.isUncertain))
                    if let commits, !batch.torn.isEmpty { findings += try await commits.confirm(batch.torn) }
                    try await report.advance(
                        (index, batch.position), checked: batch.checked, events: batch.events, written: written,
                        findings: findings)
                }
                return try await record.finished(index)
            } catch let error as MongoError where error.isOfTheMoment {
                try await patience.wait(after: error, hasProgressed: await record.run.parts[index].position != position)
            }
        }
    }

    /// Commits are looked at by a full verify alone: a repair can do nothing about them.
    private var commits: CommitCheck? {
        guard work == .verify(.full), options.checksCommits else { return nil }
        // Of single aggregates each says whether its commits are whole.
        return CommitCheck(store: store, comparesAll: !options.ids.isEmpty)
    }

    private var needsSnapshots: Bool { if case .verify(.quick) = work { false } else { true } }

    /// Repairs, or reports, the suspects of a batch.
    private struct Settlement<F: AggregateFold>: Sendable {
        let confirmation: Confirmation<F>
        /// Nil where nothing is repaired.
        let repair: SnapshotRepair<F>?
        /// Whether the compare-and-set of the repair is all the confirmation that is needed.
        let isTrusting: Bool

        init(_ reconciliation: Reconciliation, _ subject: ReconcileSubject, _ pace: Pace?) {
            let options = reconciliation.options
            let confirmation = Confirmation<F>(
                store: reconciliation.store, subject: subject, needsSnapshots: reconciliation.needsSnapshots)
            self.confirmation = confirmation
            let kinds: Set<Finding.Kind>?
            switch reconciliation.work {
            case .verify: (kinds, isTrusting) = (nil, false)
            case .patch(let some): (kinds, isTrusting) = (some, false)
            case .rebuild: (kinds, isTrusting) = (Set(Finding.Kind.allCases), !options.isDryRun)
            }
            var replacesWhole = false
            if case .rebuild = reconciliation.work { replacesWhole = true }
            repair = kinds.map {
                SnapshotRepair(
                    confirmation: confirmation, kinds: $0, replacesWhole: replacesWhole, isDryRun: options.isDryRun, pace: pace)
            }
        }

        func settle(_ suspects: [Assessment]) async throws -> (findings: [Finding], written: Int) {
            guard !suspects.isEmpty else { return ([], 0) }
            let certain = isTrusting ? suspects.filter(\.isSettledByCompareAndSet) : []
            let doubtful = isTrusting ? suspects.filter { !$0.isSettledByCompareAndSet } : suspects
            let confirmed = try await certain + confirmation.confirm(doubtful)
            guard let repair else { return (confirmed.compactMap(\.finding), 0) }
            return try await repair.repair(confirmed)
        }
    }

    // MARK: Strays

    /// Documents among the snapshots that no aggregate of the type can have: their ids are of another type, or no text at all.
    ///
    /// They stand before and after the ids of the type, in the order of the index on `_id`, which has values of every type: so nothing else is
    /// looked at, and none is missed. https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
    private func settleStrays(of target: ReconcileTarget, _ report: ReportBuilder) async throws {
        guard let snapshots = target.subject.snapshots else { return }
        let range = IDRange(target.subject.type)
        for (lower, upper) in [(nil, range.lower), (range.upper, nil)] as [(String?, String?)] {
            var position = lower.map { BSONValue.string($0) }
            var patience = Patience()
            var last: BSONValue?
            while true {
                do {
                    let page = try await strays(in: snapshots, besides: range, from: position, upTo: upper, after: last)
                    guard let end = page.last?.document["_id"] else { break }
                    let (findings, written) = try await target.repairStrays(page.map(Assessment.init(stray:)), for: self)
                    try await report.advance(nil, checked: page.count, events: 0, written: written, findings: findings)
                    (position, last) = (end, end)
                    patience = Patience()
                } catch let error as MongoError where error.isOfTheMoment {
                    try await patience.wait(after: error, hasProgressed: false)
                }
            }
        }
    }

    /// Some that follow one another.
    ///
    /// - Parameter last: The one that is done, at which the page begins: it may have been deleted since.
    private func strays(
        in snapshots: Namespace, besides range: IDRange, from lower: BSONValue?, upTo upper: String?, after last: BSONValue?
    ) async throws -> [StoredIdentity] {
        var options = FindOptions(sort: [("_id", 1)], limit: Self.strayPage + 1)
        options.hint = ["_id": 1]
        options.minimum = lower.map { ["_id": $0] }
        options.maximum = upper.map { ["_id": .string($0)] }
        let page = options
        return try await store.client.withConnection(.single) { connection in
            var strays: [StoredIdentity] = []
            var bytes = 0
            try connection.find([:], in: snapshots, options: page) { document in
                let stray = StoredIdentity(BSONDocument(document))
                let id = stray.document["_id"]
                if let last, id == last { return true }
                // A server that passes over the bounds must not lead to the deletion of a snapshot.
                if case .string(let text) = id, range.contains(text) { return true }
                strays.append(stray)
                bytes += stray.document.bytes.count
                return strays.count < Self.strayPage && bytes < Self.strayBytes
            }
            return strays
        }
    }

    /// How many strays are in memory at a time, and about how many bytes of them.
    private static let strayPage = 500
    private static let strayBytes = 16 << 20

    /// A stray is what it is at the first look.
    func repairStrays<F: AggregateFold>(
        _ strays: [Assessment], _ fold: F.Type, _ subject: ReconcileSubject
    ) async throws -> ([Finding], Int) {
        let settlement = Settlement<F>(self, subject, nil)
        guard let repair = settlement.repair else { return (strays.compactMap(\.finding), 0) }
        return try await repair.repair(strays)
    }

    /// Types in the journal that are none of the store's aggregates'. Whether there is any, a look before, between and behind their
    /// ranges tells: one place in the index each.
    private func unknownTypes() async throws -> [String] {
        let known = Set(store.aggregates.map { aggregate in aggregate.type } + targets.map { $0.subject.type })
        let ranges = known.map { IDRange($0) }.sorted { $0.lower.isBefore($1.lower) }
        var gaps: [BSONDocument] = []
        var lower: BSONValue = .string("")
        for range in ranges {
            gaps.append([EventKey.aggregateID: ["$gte": lower, "$lt": .string(range.lower)]])
            lower = .string(range.upper)
        }
        gaps.append([EventKey.aggregateID: ["$gte": lower]])
        let places = gaps
        let names = Set(known.map(\.rawValue))
        return try await store.client.withConnection(.single) { connection in
            let options = FindOptions(projection: ["_id": 1])
            let isAnythingThere = try places.contains { gap in
                try connection.findOne(gap, in: store.journal.namespace, options: options, decode: { _ in true }) != nil
            }
            guard isAnythingThere else { return [] }
            return try store.journal.typeNames(on: connection).filter { !names.contains($0) }
        }
    }

    // MARK: Preparation

    /// Makes the snapshot collections that are not there, with their indexes: an insert would make one without.
    private func prepareCollections() async throws {
        let kept = targets.filter { $0.subject.snapshots != nil }
        try await store.client.withConnection(.single) { connection in
            let names = kept.compactMap { $0.subject.snapshots?.collection }
            let found = Set(try connection.collections(named: names, in: store.database).compactMap { $0["name"] })
            let lacking = kept.filter { !found.contains(.string($0.subject.snapshots?.collection ?? "")) }
            guard !lacking.isEmpty else { return }
            let preparation = try DatabasePreparation(database: store.database, aggregates: lacking.compactMap(\.aggregate))
            try await preparation.run(on: connection)
        }
    }

    /// Says which permission a refusal is about: the server's own words may quote documents, and are not shown.
    private static func explainingPermissions<R>(_ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch let error as MongoError where error.code == .unauthorized {
            let operation = error.operation ?? "write"
            throw DaybookError(
                .unauthorized,
                "this user may not \(operation) on \(error.namespace ?? "the database"): a repair takes find, insert, update and remove on the "
                    + "snapshots and on \(ControlCollection.runs) and \(ControlCollection.leases). The role "
                    + "\(RoleDefinition.Name.operator.rawValue) has them.",
                underlying: error)
        }
    }
}

extension Assessment {
    /// Whether its repair writes only if the snapshot still is as it was seen, and needs no more than that to be right.
    fileprivate var isSettledByCompareAndSet: Bool {
        switch kind {
        case .missing, .stale, .outdated, .diverged: true
        default: false
        }
    }

    /// A document that no aggregate of its collection's type can have.
    fileprivate init(stray: StoredIdentity) {
        self.init(id: [], stored: stray, journalVersion: nil)
        kind = .orphan
        detail = "its id is none that an aggregate of this type can have"
    }
}
