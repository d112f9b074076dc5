internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

/// Compares the snapshots of a range of ids with the journal, once, as a ``RangeScan`` reads both; memory holds some
/// aggregates and a few batches.
///
/// Its work has stages that go on at the same time: two connections read documents, events are folded, folded states are
/// compared with their snapshots, and the caller consumes what was found.
struct RangeCheck: Sendable {
    /// Some aggregates that follow one another, assessed.
    struct Batch: Sendable {
        /// Those with which something is wrong.
        var suspects: [Suspect] = []
        /// Commits of which a part was not found.
        var torn: [TornCommit] = []
        var checked = 0
        var events = 0
        /// The id of the last of them.
        var position: String?

        fileprivate var bytes = 0
    }

    private static let maximumBytes = 4 << 20

    let store: DaybookStore
    let checker: Checker
    let range: IDRange
    /// Looks for the missing parts of commits; nil where that is not wanted.
    var commits: CommitCheck?
    /// How many suspects are handed over together: few where they are written slowly, since a batch that was begun is finished.
    var maximumSuspects = 500
    /// A batch has no more aggregates than these, so that the caller hears of progress also where nothing is found.
    var maximumChecked = 5_000

    /// Hands the aggregates after `position` to `consume`, batch by batch and in order. While one batch is consumed, the next
    /// is read and folded.
    ///
    /// - Throws: What reading throws, ``MongoError`` or `CancellationError`; what `consume` throws. No batch is being consumed
    ///   any more then, and one that was not full yet is dropped.
    func run(after position: String?, consume: @escaping @Sendable (Batch) async throws -> Void) async throws {
        let stages = Stages(self, consume)
        let scan = RangeScan(store: store, range: range, projection: checker.projection, documents: checker.target.snapshots)
        do {
            try await scan.run(after: position) { try await fold(&$0, stages) }
        } catch {
            try await stages.abandon()
            throw error
        }
        try await stages.finish()
    }

    private func fold(_ scanned: inout RangeScan.Cursor, _ stages: Stages) async throws {
        while let aggregate = try await scanned.next() {
            let check = AggregateCheck(
                aggregate.id, snapshot: aggregate.document, by: checker, looksAtEveryState: false, tracesCommits: commits != nil)
            var mayHaveMore = true
            while mayHaveMore {
                mayHaveMore = try await scanned.visitEvents { check.add($0, at: $1) }
                if check.hasManyParts { try await look(for: check.takeParts(isLast: false), of: check) }
            }
            try await stages.add(check)
        }
    }

    private func look(for parts: [CommitPart], of check: AggregateCheck) async throws {
        guard let commits, !parts.isEmpty else { return }
        check.note(torn: try await commits.torn(among: parts))
    }

    /// Looks for the missing parts of the commits of some aggregates together.
    private func lookForParts(of checks: [AggregateCheck]) async throws {
        guard let commits else { return }
        var parts: [CommitPart] = []
        var owners: [(check: AggregateCheck, parts: Set<CommitPart>)] = []
        for check in checks {
            let own = check.takeParts(isLast: true)
            guard !own.isEmpty else { continue }
            parts += own
            owners.append((check, Set(own)))
        }
        guard !parts.isEmpty else { return }
        let torn = try await commits.torn(among: parts)
        guard !torn.isEmpty else { return }
        for (check, own) in owners { check.note(torn: torn.filter(own.contains)) }
    }

    private func isFull(_ batch: Batch) -> Bool {
        batch.suspects.count + batch.torn.count >= maximumSuspects || batch.bytes >= Self.maximumBytes
            || batch.checked >= maximumChecked
    }

    /// The stages after the fold: while the next aggregates are folded, some are compared, and a batch of those before them
    /// is consumed.
    private final class Stages {
        private struct Compared: Sendable {
            let id: [UInt8]
            let events: Int
            /// While it waits to be handed on.
            let byteCount: Int
            let suspect: Suspect?
            let torn: [CommitPart]
        }

        private let pass: RangeCheck
        private let consume: @Sendable (Batch) async throws -> Void
        private var folded = FoldedGroup()
        private var comparing: Task<[Compared], any Error>?
        private var batch = Batch()
        private var consuming: Task<Void, any Error>?

        init(_ pass: RangeCheck, _ consume: @escaping @Sendable (Batch) async throws -> Void) {
            self.pass = pass
            self.consume = consume
        }

        /// Adds an aggregate that is folded to its head, and that nothing else refers to.
        func add(_ check: AggregateCheck) async throws {
            folded.add(check)
            if folded.isFull { try await compare() }
        }

        /// Hands on all that is left.
        func finish() async throws {
            try await compare()
            try await takeCompared()
            if batch.position != nil { try await hand() }
            try await settled()
        }

        /// Waits for what was begun, and drops the batch that is not full yet.
        func abandon() async throws {
            _ = await comparing?.result
            try await settled()
        }

        private func compare() async throws {
            try await takeCompared()
            let (group, pass) = (folded, pass)
            folded = FoldedGroup(after: group)
            comparing = Task {
                try await pass.lookForParts(of: group.checks)
                return group.checks.map {
                    let suspect = $0.assess()
                    return Compared(
                        id: $0.id, events: $0.events, byteCount: suspect?.byteCount ?? $0.snapshotByteCount, suspect: suspect,
                        torn: $0.torn)
                }
            }
        }

        private func takeCompared() async throws {
            guard let comparing else { return }
            self.comparing = nil
            for compared in try await comparing.value {
                batch.checked += 1
                batch.events += compared.events
                batch.position = String(decoding: compared.id, as: UTF8.self)
                batch.torn += compared.torn.map { TornCommit(aggregateID: compared.id, part: $0) }
                folded.expect(compared.byteCount)
                if let suspect = compared.suspect {
                    batch.suspects.append(suspect)
                    batch.bytes += suspect.byteCount
                }
                if pass.isFull(batch) { try await hand() }
            }
        }

        private func hand() async throws {
            try await settled()
            try Task.checkCancellation()
            let full = batch
            batch = Batch()
            // A task of its own, which a cancelled pass does not cancel: what was begun is finished, so that it is known how far it came.
            consuming = Task { [consume] in try await consume(full) }
        }

        private func settled() async throws {
            guard let consuming else { return }
            self.consuming = nil
            try await consuming.value
        }
    }
}

/// Aggregates that were folded, and are to be compared together.
///
/// `@unchecked Sendable`: the stage that folded them does not refer to them any more when the group is handed on.
private struct FoldedGroup: @unchecked Sendable {
    private(set) var checks: [AggregateCheck] = []
    private var bytes = 0
    /// The largest state that the comparison has seen of late; nil before the first. How large one is that was only folded is
    /// not known.
    private var stateBytes: Int?

    init() {}

    init(after group: FoldedGroup) {
        stateBytes = group.stateBytes
    }

    mutating func add(_ check: AggregateCheck) {
        checks.append(check)
        bytes += max(check.byteCount, stateBytes ?? 0)
    }

    /// Notes what one took that was compared.
    mutating func expect(_ byteCount: Int) {
        // The estimate decays, so that a single large state does not keep groups small from then on.
        stateBytes = max(byteCount, (stateBytes ?? 0) * 63 / 64)
    }

    /// So many that a change of threads does not matter, and few because their states are in memory.
    var isFull: Bool { checks.count >= (stateBytes == nil ? 4 : 64) || bytes >= 1 << 20 }
}
