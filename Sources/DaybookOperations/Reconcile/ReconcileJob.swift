internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Synchronization

/// Compares the snapshots of some aggregates with the journal, and repairs them where that is the work.
struct ReconcileJob: Sendable {
    enum Work: Sendable, Hashable {
        case verify(VerifyDepth)
        case patch(Set<Finding.Kind>)
        case rebuild(swap: Bool, restart: Bool)

        var depth: VerifyDepth { if case .verify(let depth) = self { depth } else { .full } }
        var isRebuild: Bool { if case .rebuild = self { true } else { false } }

        /// The kinds of findings that are repaired; nil where nothing is.
        var kinds: Set<Finding.Kind>? {
            switch self {
            case .verify: nil
            case .patch(let kinds): kinds
            case .rebuild: Set(Finding.Kind.allCases)
            }
        }
    }

    let store: DaybookStore
    let work: Work
    let options: ReconcileOptions
    /// The kinds of aggregates it is about, and what is known of each.
    let targets: [ReconcileTarget]
    let progress: @Sendable (ReconcileProgress) -> Void

    private var writes: Bool { work.kinds != nil && !options.isDryRun }
    /// A dry run has nothing to swap; it reports what differs.
    private var isSwap: Bool { if case .rebuild(swap: true, _) = work { writes } else { false } }
    private var log: StoredRunLog { StoredRunLog(store: store) }

    func run() async throws -> ReconcileReport {
        let start = ContinuousClock.now
        var report: ReconcileReport
        if writes {
            // Before anything is written to a database that is none.
            try await store.client.withConnection(.single) { try store.readiness.requireJournal(on: $0) }
            let holder = DaybookStore.holder()
            let subjects = options.ids.isEmpty ? targets.map(\.type.rawValue) : options.ids.map(\.rawValue)
            let lease = MaintenanceLease(store: store, holder: holder, subjects: subjects)
            report = try await Self.explainingPermissions {
                try await lease.hold { try await reconcile(as: holder, holding: $0) }
            }
        } else {
            report = try await reconcile(as: "", holding: nil)
        }
        report.findings.sort { $0.aggregateID.isBefore($1.aggregateID) }
        report.duration = ContinuousClock.now - start
        return report
    }

    /// - Parameter lease: Nil where nothing is written.
    private func reconcile(as holder: String, holding lease: MaintenanceLease.Held?) async throws -> ReconcileReport {
        // One worker takes a type as one part, and all of them as all there is.
        let drawsIDs = options.ids.isEmpty && (options.workers > 1 || !options.types.isEmpty)
        let sample = try await store.client.withConnection(.single) { connection in
            let sample = try JournalSample(of: store.journal, drawsIDs: drawsIDs, on: connection)
            if sample.events == 0 { try store.readiness.requireJournal(on: connection) }
            return sample
        }
        if writes { try await prepareCollections() }
        let (run, earlier) = try await begin(newRun(sample, holder))
        let report = ReconcileReport.Builder(
            run, isKept: writes, totalEvents: sample.events(in: run.parts.map(\.range)), in: log, onProgress: progress)
        if let earlier { await report.add(earlier: earlier) }
        let context = Context(
            store: store, work: work, options: options, report: report,
            pace: options.aggregatesPerSecond.map { Pace(perSecond: $0) })
        do {
            try await reconcile(run, context, holding: lease)
            if writes { try await report.record.end(.done) }
        } catch {
            guard writes else { throw error }
            let isCancelled = error is CancellationError
            let failure = DaybookError.enriching(error, operation: "reconcile", aggregateID: nil) as? DaybookError
            // In a task of its own, because this one may have been cancelled.
            await Task {
                try? await report.record.end(
                    isCancelled ? .interrupted : .failed, reason: isCancelled ? nil : failure?.message)
            }.value
            throw error
        }
        return await report.result
    }

    /// Builds the snapshots of a target beside those in use, and puts them in their place; where none are kept, only
    /// looks at the journal.
    ///
    /// - Parameter parts: The parts of the run that are the target's.
    private func swap(
        _ target: ReconcileTarget, _ parts: [Int], _ context: Context, holding lease: MaintenanceLease.Held
    ) async throws {
        guard let aggregate = target.aggregate, let snapshots = target.snapshots else {
            return try await context.forEach(parts) { try await context.reconcile($0, of: target) }
        }
        func build<A: Aggregate>(_ aggregate: A.Type) async throws {
            let database = MongoSwapDatabase<A>(
                context: context, target: target, liveNamespace: snapshots, lease: lease)
            try await SnapshotSwap(database: database, type: target.type, parts: parts, report: context.report).run()
        }
        try await build(aggregate)
    }

    private func reconcile(
        _ run: MaintenanceRun, _ context: Context, holding lease: MaintenanceLease.Held?
    ) async throws {
        if isSwap, let lease {
            for target in targets {
                let parts = run.parts.indices.filter { run.parts[$0].type == target.type.rawValue }
                try await swap(target, parts, context, holding: lease)
            }
        } else {
            let byType = Dictionary(targets.map { ($0.type.rawValue, $0) }) { first, _ in first }
            try await context.forEach(Array(run.parts.indices)) { part in
                if let target = byType[run.parts[part].type] { try await context.reconcile(part, of: target) }
            }
        }
        guard options.ids.isEmpty else { return await context.report.noteAbsentIDs() }
        if !isSwap { for target in targets { try await context.reconcileStrays(of: target) } }
        if options.types.isEmpty { await context.report.add(unknownTypes: try await unknownTypes()) }
    }

    private func newRun(_ sample: JournalSample, _ holder: String) async throws -> MaintenanceRun {
        let now = store.clock.now()
        let id = EventID(milliseconds: EventID.milliseconds(at: now), random: { .random(in: .min ... .max) }).uuid
        var run = MaintenanceRun(
            work.isRebuild ? .rebuild : .patch, of: targets.map(\.type.rawValue), ids: options.ids.map(\.rawValue),
            id: id,
            holder: holder, at: now)
        run.isSwap = isSwap
        run.schemas = targets.map { $0.stateSchema ?? 0 }
        // That of a patch too: a rebuild is not resumed where another program has patched meanwhile.
        if writes { run.program = await ProgramFingerprint.read() }
        for target in targets {
            let ids = options.ids.filter { $0.type == target.type }
            let count = max(4, 2 * min(options.workers, 1_000))
            let ranges =
                options.ids.isEmpty ? sample.parts(of: IDRange(target.type), count: count) : ids.map { IDRange($0) }
            run.parts += ranges.map { MaintenanceRun.Part(type: target.type.rawValue, range: $0) }
        }
        return run
    }

    /// The new run, or the earlier one that this continues.
    private func begin(_ run: MaintenanceRun) async throws -> (run: MaintenanceRun, earlier: MaintenanceRun?) {
        guard writes else { return (run, nil) }
        let restarts = if case .rebuild(_, restart: true) = work { true } else { false }
        return try await log.begin(run, resumes: work.isRebuild, restart: restarts) { notice in
            store.telemetry.logger.notice("\(notice)")
        }
    }

    /// Types in the journal that are none of the store's aggregates'. Whether there is any, a look before, between and
    /// after their ranges shows: one place in the index each.
    private func unknownTypes() async throws -> [String] {
        let known = Set(store.aggregates.map { aggregate in aggregate.type } + targets.map(\.type))
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
            let options = FindOptions(projection: [EventKey.id: 1])
            let isAnyThere = try places.contains { gap in
                try connection.findOne(gap, in: store.journal.namespace, options: options, decode: { _ in true }) != nil
            }
            guard isAnyThere else { return [] }
            return try store.journal.typeNames(on: connection).filter { !names.contains($0) }
        }
    }

    /// Makes the snapshot collections that are not there, with their indexes: an insert would make one without.
    private func prepareCollections() async throws {
        try await store.client.withConnection(.single) { connection in
            let names = targets.compactMap(\.snapshots?.collection)
            let found = Set(
                try connection.collections(named: names, in: store.database).compactMap { $0["name"]?.text })
            let lacking = targets.filter { $0.snapshots.map { !found.contains($0.collection) } ?? false }
            guard !lacking.isEmpty else { return }
            let preparation = try DatabasePreparation(
                database: store.database, aggregates: lacking.compactMap(\.aggregate))
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
                "this user may not \(operation) on \(error.namespace ?? "the database"): a repair takes find, insert, "
                    + "update and remove on the snapshots and on \(ControlCollection.runs) and "
                    + "\(ControlCollection.leases). The role \(RoleDefinition.Name.operator.rawValue) has them.",
                underlying: error)
        }
    }
}

// MARK: Parts

extension ReconcileJob {
    /// What the parts of a job share while it works.
    struct Context: Sendable {
        let store: DaybookStore
        let work: Work
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
            let checker = Checker.make(for: target, work.depth)
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
        func repair(by confirmation: Confirmation, at pace: Pace?) -> SnapshotRepair? {
            work.kinds.map { kinds in
                SnapshotRepair(
                    confirmation: confirmation, kinds: kinds, replacesWhole: work.isRebuild, isDryRun: options.isDryRun,
                    pace: pace)
            }
        }

        /// Goes through one part, from where it was left, as often as the connection breaks on the way.
        ///
        /// - Parameter handle: What is done about the suspects of a batch. It returns what there is to report, and how
        ///   many snapshots were written.
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
                        var (findings, written) = try await handle(
                            confirmation.foldAgain(batch.suspects, where: \.isUncertain))
                        if let commits, !batch.torn.isEmpty { findings += try await commits.confirm(batch.torn) }
                        try await report.advance(
                            part: part, to: batch.position, checked: batch.checked, events: batch.events,
                            written: written,
                            findings: findings)
                    }
                    return try await record.finished(part)
                } catch let error as MongoError where error.isOfTheMoment {
                    try await patience.wait(
                        after: error, hasProgressed: await record.run.parts[part].position != position)
                }
            }
        }

        /// Commits are looked at by a full verify alone: a repair can do nothing about them.
        private var commits: CommitCheck? {
            guard work == .verify(.full), options.checksCommits else { return nil }
            // Of single aggregates each says whether its commits are whole.
            return CommitCheck(store: store, comparesAll: !options.ids.isEmpty)
        }
    }
}

extension Suspect {
    /// Whether its repair writes only if the snapshot still is as it was seen, and needs no more than that to be right.
    /// What diverges from a fold that has skipped states may be right: an exact fold says.
    fileprivate var isConfirmedByCompareAndSet: Bool {
        switch kind {
        case .missing, .stale, .outdated: true
        case .diverged: !hasSkippedStates
        default: false
        }
    }
}
