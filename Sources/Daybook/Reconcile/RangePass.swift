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
/// Four things are done at a time: the next documents are read on two connections, events are folded, and what was folded before is compared
/// and settled.
struct RangePass<F: AggregateFold>: Sendable {
    /// Some aggregates that follow one another, assessed.
    struct Batch: Sendable {
        /// Those with which something is wrong.
        var suspects: [Assessment] = []
        var checked = 0
        var events = 0
        /// The id of the last of them.
        var position: String?

        fileprivate var bytes = 0
    }

    /// Aggregates that were folded, and are to be compared.
    private struct Folded {
        private(set) var checks: [AggregateCheck<F>] = []
        private var bytes = 0

        mutating func add(_ check: AggregateCheck<F>) {
            checks.append(check)
            bytes += check.byteCount
        }

        /// So many that a change of threads does not matter, and few because their states are in memory.
        var isFull: Bool { checks.count >= 64 || bytes >= 1 << 20 }
    }

    private static var maximumBytes: Int { 4 << 20 }
    private static var maximumChecked: Int { 5_000 }

    let store: DaybookStore
    let subject: ReconcileSubject
    let range: IDRange
    /// Whether the snapshot that should be there is wanted of each suspect.
    let needsSnapshots: Bool
    /// How many suspects are handed over together: few where they are written slowly, since a batch that was begun is finished.
    var maximumSuspects = 500
    private let coding = F.makeCoding()

    /// Hands the aggregates behind `position` to `consume`, batch by batch and in order: while one is consumed, the next is read and folded.
    ///
    /// - Throws: What reading throws, ``MongoError`` or `CancellationError`; what `consume` throws. Everything that was handed over before was
    ///   consumed then, unless `consume` threw.
    func run(after position: String?, consume: @escaping @Sendable (Batch) async throws -> Void) async throws {
        let condition = range.condition(after: position)
        let journal = FindOptions(
            sort: [("aggregateId", 1), ("version", 1)], projection: F.projection, batchSize: 4_096)
        let comparison = Comparison(self, consume)
        do {
            try await store.client.withReadAhead(["aggregateId": condition], in: store.journal.namespace, options: journal) {
                events in
                events.start()
                guard let snapshots = subject.snapshots else { return try await join(events, nil, comparison) }
                let options = FindOptions(sort: [("_id", 1)], batchSize: 2_048)
                try await store.client.withReadAhead(["_id": condition], in: snapshots, options: options) { snapshots in
                    snapshots.start()
                    try await join(events, SnapshotFeed(snapshots), comparison)
                }
            }
        } catch {
            _ = try await comparison.finish()
            throw error
        }
        let rest = try await comparison.finish()
        if rest.position != nil { try await consume(rest) }
    }

    private func join(_ events: ReadAhead, _ snapshots: SnapshotFeed?, _ comparison: Comparison) async throws {
        var snapshots = snapshots
        var folded = Folded()
        var current: AggregateCheck<F>?
        while let documents = try await events.next() {
            var index = 0
            while index < documents.count {
                if let current { index = try current.take(documents, from: index) }
                guard index < documents.count else { break }
                if let finished = current { folded.add(finished) }
                current = nil
                let id = try documents.aggregateID(at: index)
                try await orphans(before: id, &snapshots, &folded, comparison)
                current = AggregateCheck(
                    id, snapshot: snapshots?.take(id), expecting: subject.expectsSnapshots ? .snapshot : .nothing, coding)
                if folded.isFull { try await comparison.hand(&folded) }
            }
        }
        if let current { folded.add(current) }
        try await orphans(before: nil, &snapshots, &folded, comparison)
        try await comparison.hand(&folded)
    }

    /// The snapshots that stand before `id`, all that are left where it is nil: there are no events of theirs.
    private func orphans(
        before id: [UInt8]?, _ snapshots: inout SnapshotFeed?, _ folded: inout Folded, _ comparison: Comparison
    ) async throws {
        guard var feed = snapshots else { return }
        defer { snapshots = feed }
        while let next = try await feed.peek() {
            if let id, !next.lexicographicallyPrecedes(id) { return }
            folded.add(AggregateCheck(next, snapshot: feed.take(next), expecting: .snapshot, coding))
            if folded.isFull { try await comparison.hand(&folded) }
        }
    }

    private func isFull(_ batch: Batch) -> Bool {
        batch.suspects.count >= maximumSuspects || batch.bytes >= Self.maximumBytes || batch.checked >= Self.maximumChecked
    }

    private func add(_ check: AggregateCheck<F>, to batch: inout Batch) {
        let assessment = check.assess(needsSnapshot: needsSnapshots)
        batch.checked += 1
        batch.events += check.events
        batch.position = String(decoding: check.id, as: UTF8.self)
        guard assessment.kind != nil else { return }
        batch.suspects.append(assessment)
        batch.bytes += assessment.byteCount
    }

    /// Compares what was folded and hands full batches on, some aggregates at a time, and lets whoever folds the next go on meanwhile.
    private final class Comparison {
        /// `@unchecked Sendable`: who folded them lets go of them when they are handed over.
        private struct Handed: @unchecked Sendable {
            let checks: [AggregateCheck<F>]
        }

        private let pass: RangePass
        private let consume: @Sendable (Batch) async throws -> Void
        private var working: Task<Batch, any Error>?

        init(_ pass: RangePass, _ consume: @escaping @Sendable (Batch) async throws -> Void) {
            self.pass = pass
            self.consume = consume
        }

        func hand(_ folded: inout Folded) async throws {
            let begun = try await finish()
            let handed = Handed(checks: folded.checks)
            folded = Folded()
            // A task of its own, which a cancelled pass does not cancel: what was begun is finished, so that it is known how far it came.
            working = Task { [pass, consume] in
                var batch = begun
                for check in handed.checks {
                    pass.add(check, to: &batch)
                    guard pass.isFull(batch) else { continue }
                    try await consume(batch)
                    batch = Batch()
                }
                return batch
            }
        }

        /// Waits for what was handed over; the batch that is not full yet.
        func finish() async throws -> Batch {
            guard let working else { return Batch() }
            self.working = nil
            return try await working.value
        }
    }
}

extension AggregateCheck {
    /// Takes in the events of this aggregate; the index of the first that is another's.
    fileprivate func take(_ documents: DocumentBatch, from index: Int) throws -> Int {
        try documents.visit(from: index) { document in
            guard let place = JournalPlace(document), id.elementsEqual(place.aggregateID) else { return false }
            take(document, at: place.version)
            return true
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

/// The snapshots of a range as they come, one at a time.
struct SnapshotFeed {
    private let reader: ReadAhead
    private var documents = DocumentBatch()
    private var index = 0
    private var next: (id: [UInt8], document: BSONDocument)?

    init(_ reader: ReadAhead) {
        self.reader = reader
    }

    /// The id of the next one; nil behind the last.
    mutating func peek() async throws -> [UInt8]? {
        if let next { return next.id }
        if index >= documents.count {
            guard let batch = try await reader.next() else { return nil }
            (documents, index) = (batch, 0)
        }
        var found: (id: [UInt8], document: BSONDocument)?
        _ = try documents.visit(from: index) { document in
            guard let id = try document.first("_id")?.stringBytes() else {
                throw MongoError(.invalidData, "the server gave a snapshot without an id for a range of ids")
            }
            found = (Array(id), BSONDocument(document))
            return false
        }
        index += 1
        next = found
        return found?.id
    }

    /// The snapshot of this id, if it is the next one, as ``peek()`` has seen.
    mutating func take(_ id: [UInt8]) -> BSONDocument? {
        guard let found = next, found.id == id else { return nil }
        next = nil
        return found.document
    }
}
