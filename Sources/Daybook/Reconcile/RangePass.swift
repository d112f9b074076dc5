internal import DaybookBSON
internal import DaybookMongo

/// One kind of aggregate as a reconciliation sees it.
struct ReconcileSubject: Sendable {
    let type: AggregateType
    let lifecycle: Lifecycle
    /// Where its snapshots are; nil where none are kept, or none are to be compared.
    var snapshots: Namespace?
    /// Whether an aggregate without a snapshot lacks it.
    var expectsSnapshots: Bool
}

/// Goes once through the journal and the snapshots of a range of ids, side by side: both come in the byte order of ids, so nothing is looked up,
/// and memory holds some aggregates and a few batches.
///
/// Its work is done in stages, all at a time: documents are read on two connections, events are folded, states that were folded are compared with
/// their snapshots, and what was found is settled.
struct RangePass<F: AggregateFold>: Sendable {
    /// Some aggregates that follow one another, assessed.
    struct Batch: Sendable {
        /// Those with which something is wrong.
        var suspects: [Assessment] = []
        /// Commits of which a part was not found.
        var torn: [TornCommit] = []
        var checked = 0
        var events = 0
        /// The id of the last of them.
        var position: String?

        fileprivate var bytes = 0
    }

    private static var maximumBytes: Int { 4 << 20 }

    let store: DaybookStore
    let subject: ReconcileSubject
    let range: IDRange
    /// Whether the snapshot that should be there is wanted of each suspect.
    let needsSnapshots: Bool
    /// Looks for the missing parts of commits; nil where that is not wanted.
    var commits: CommitCheck?
    /// How many suspects are handed over together: few where they are written slowly, since a batch that was begun is finished.
    var maximumSuspects = 500
    /// After how many aggregates it is told how far it came, whatever was found.
    var maximumChecked = 5_000
    private let coding = F.makeCoding(looksAtEveryState: false)

    /// Hands the aggregates behind `position` to `consume`, batch by batch and in order: while one is consumed, the next is read and folded.
    ///
    /// - Throws: What reading throws, ``MongoError`` or `CancellationError`; what `consume` throws. No batch is being consumed any more then,
    ///   and one that was not full yet is left.
    func run(after position: String?, consume: @escaping @Sendable (Batch) async throws -> Void) async throws {
        let condition = range.condition(after: position)
        let journal = FindOptions(
            sort: [("aggregateId", 1), ("version", 1)], projection: F.projection, batchSize: 4_096)
        let stages = Stages(self, consume)
        do {
            try await store.client.withReadAhead(["aggregateId": condition], in: store.journal.namespace, options: journal) {
                events in
                events.start()
                guard let snapshots = subject.snapshots else { return try await join(events, nil, stages) }
                let options = FindOptions(sort: [("_id", 1)], batchSize: 2_048)
                try await store.client.withReadAhead(["_id": condition], in: snapshots, options: options) { snapshots in
                    snapshots.start()
                    try await join(events, SnapshotFeed(snapshots), stages)
                }
            }
        } catch {
            try await stages.abandon()
            throw error
        }
        try await stages.finish()
    }

    private func join(_ events: ReadAhead, _ snapshots: SnapshotFeed?, _ stages: Stages) async throws {
        var snapshots = snapshots
        var current: AggregateCheck<F>?
        while let documents = try await events.next() {
            var index = 0
            while index < documents.count {
                if let current {
                    index = try current.take(documents, from: index)
                    if current.hasManyParts { try await look(for: current.takeParts(isLast: false), of: current) }
                }
                guard index < documents.count else { break }
                if let finished = current {
                    current = nil
                    try await stages.add(finished)
                }
                let id = try documents.aggregateID(at: index)
                try await orphans(before: id, &snapshots, stages)
                current = AggregateCheck(
                    id, snapshot: snapshots?.take(id), expecting: subject.expectsSnapshots ? .snapshot : .nothing,
                    tracesCommits: commits != nil, coding)
            }
        }
        if let current { try await stages.add(current) }
        try await orphans(before: nil, &snapshots, stages)
    }

    private func look(for parts: [CommitPart], of check: AggregateCheck<F>) async throws {
        guard let commits, !parts.isEmpty else { return }
        check.note(torn: try await commits.torn(among: parts))
    }

    /// Looks for the missing parts of the commits of some aggregates together.
    private func lookForParts(of checks: [AggregateCheck<F>]) async throws {
        guard let commits else { return }
        var parts: [CommitPart] = []
        var owners: [(check: AggregateCheck<F>, parts: Set<CommitPart>)] = []
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

    /// The snapshots that stand before `id`, all that are left where it is nil: there are no events of theirs.
    private func orphans(before id: [UInt8]?, _ snapshots: inout SnapshotFeed?, _ stages: Stages) async throws {
        guard var feed = snapshots else { return }
        defer { snapshots = feed }
        while let next = try await feed.peek() {
            if let id, !next.lexicographicallyPrecedes(id) { return }
            try await stages.add(AggregateCheck(next, snapshot: feed.take(next), expecting: .snapshot, coding))
        }
    }

    private func isFull(_ batch: Batch) -> Bool {
        batch.suspects.count + batch.torn.count >= maximumSuspects || batch.bytes >= Self.maximumBytes
            || batch.checked >= maximumChecked
    }

    /// What comes behind the folding: while the next aggregates are folded, some are compared, and a batch of those before them is consumed.
    private final class Stages {
        private struct Compared: Sendable {
            let events: Int
            let assessment: Assessment
            let torn: [CommitPart]
        }

        private let pass: RangePass
        private let consume: @Sendable (Batch) async throws -> Void
        private var folded = FoldedGroup<F>()
        private var comparing: Task<[Compared], any Error>?
        private var batch = Batch()
        private var consuming: Task<Void, any Error>?

        init(_ pass: RangePass, _ consume: @escaping @Sendable (Batch) async throws -> Void) {
            self.pass = pass
            self.consume = consume
        }

        /// Takes an aggregate that is folded to its head, and that nobody else refers to.
        func add(_ check: AggregateCheck<F>) async throws {
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

        /// Waits for what was begun. What no batch was full of yet is left.
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
                    Compared(events: $0.events, assessment: $0.assess(needsSnapshot: pass.needsSnapshots), torn: $0.torn)
                }
            }
        }

        private func takeCompared() async throws {
            guard let comparing else { return }
            self.comparing = nil
            for compared in try await comparing.value {
                let assessment = compared.assessment
                batch.checked += 1
                batch.events += compared.events
                batch.position = assessment.text
                batch.torn += compared.torn.map { TornCommit(aggregateID: assessment.id, part: $0) }
                folded.expect(assessment.byteCount)
                if assessment.kind != nil {
                    batch.suspects.append(assessment)
                    batch.bytes += assessment.byteCount
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

extension AggregateCheck {
    /// Takes in the events of this aggregate; the index of the first that is another's.
    fileprivate func take(_ documents: DocumentBatch, from index: Int) throws -> Int {
        try id.withUnsafeBytes { id in
            try documents.visit(from: index) { document in
                guard let place = JournalPlace(document), haveSameBytes(id, place.aggregateID) else { return false }
                take(document, at: place.version)
                return true
            }
        }
    }
}

extension DocumentBatch {
    /// The bytes of the aggregate id of an event.
    fileprivate func aggregateID(at index: Int) throws -> [UInt8] {
        var id: [UInt8]?
        _ = try visit(from: index) { document in
            // What is no text is in no range of texts, so it is not found.
            id = JournalPlace(document).map { Array($0.aggregateID) }
            return false
        }
        guard let id else {
            throw MongoError(.invalidData, "the server gave an event without an aggregate id for a range of ids")
        }
        return id
    }
}
