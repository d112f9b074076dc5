internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

/// Compares the snapshots of a range of ids with the journal, once, as a ``RangeScan`` reads both; memory holds one
/// aggregate, a batch of what was found, and a few batches of documents.
///
/// Two connections read on while events are folded, snapshots compared, and what was found is consumed. More ranges at
/// a time use more processors.
struct RangeCheck: Sendable {
    /// What was found of some aggregates that follow one another.
    struct Batch: Sendable {
        /// Those with which something is wrong.
        fileprivate(set) var suspects: [Suspect] = []
        /// Commits of which a part was not found.
        fileprivate(set) var torn: [OwnedPart] = []
        fileprivate(set) var checked = 0
        fileprivate(set) var events = 0
        /// The id of the last of them.
        fileprivate(set) var position: String?

        /// Parts of commits whose others are still to be looked for.
        fileprivate var parts: [OwnedPart] = []
        fileprivate var byteCount = 0
    }

    private static let maximumBytes = 4 << 20
    /// How many parts of commits are looked for together.
    private static let maximumParts = 1_000

    let store: DaybookStore
    let checker: Checker
    let range: IDRange
    /// Looks for the missing parts of commits; nil where that is not wanted.
    var commits: CommitCheck?
    /// How many suspects are handed over together: few where they are written slowly, since a batch that was begun is
    /// finished.
    var maximumSuspects = 500
    /// A batch has no more aggregates than these, so that the caller hears of progress also where nothing is found.
    var maximumChecked = 5_000

    /// Hands the aggregates after `position` to `consume`, batch by batch and in order.
    ///
    /// - Throws: What reading throws, ``MongoError`` or `CancellationError`; what `consume` throws. A batch that was
    ///   not full yet is dropped then.
    func run(after position: String?, consume: @escaping @Sendable (Batch) async throws -> Void) async throws {
        let scan = RangeScan(
            store: store, range: range, projection: checker.projection, documents: checker.target.snapshots)
        var batch = Batch()
        try await scan.run(after: position) { scanned in
            while let aggregate = try await scanned.next() {
                try await check(aggregate, in: &scanned, &batch)
                guard isFull(batch) else { continue }
                try await hand(batch, to: consume)
                batch = Batch()
            }
        }
        if batch.position != nil { try await hand(batch, to: consume) }
    }

    private func check(
        _ aggregate: RangeScan.Aggregate, in scanned: inout RangeScan.Cursor, _ batch: inout Batch
    ) async throws {
        let check = AggregateCheck(
            aggregate.id, snapshot: aggregate.document, by: checker, looksAtEveryState: false,
            tracesCommits: commits != nil)
        var mayHaveMore = true
        while mayHaveMore {
            mayHaveMore = try await scanned.visitEvents { check.add($0, at: $1) }
            batch.parts += check.takeParts(isLast: !mayHaveMore).map { OwnedPart(aggregateID: aggregate.id, part: $0) }
            if batch.parts.count >= Self.maximumParts { try await lookForOthers(&batch) }
        }
        batch.checked += 1
        batch.events += check.events
        batch.position = String(decoding: aggregate.id, as: UTF8.self)
        guard let suspect = check.assess() else { return }
        batch.suspects.append(suspect)
        batch.byteCount += suspect.byteCount
    }

    /// Looks for the other parts of the commits; as many torn ones are kept as a report can have.
    private func lookForOthers(_ batch: inout Batch) async throws {
        guard let commits, !batch.parts.isEmpty else { return }
        let torn = try await commits.torn(among: batch.parts)
        batch.torn += torn.prefix(max(0, ReconcileReport.maximumFindings - batch.torn.count))
        batch.parts = []
    }

    private func isFull(_ batch: Batch) -> Bool {
        batch.suspects.count + batch.torn.count >= maximumSuspects || batch.byteCount >= Self.maximumBytes
            || batch.checked >= maximumChecked
    }

    private func hand(_ batch: Batch, to consume: @escaping @Sendable (Batch) async throws -> Void) async throws {
        var batch = batch
        try await lookForOthers(&batch)
        try Task.checkCancellation()
        // A task of its own, which a cancelled pass does not cancel: what was begun is finished, so that it is known
        // how far it came.
        try await Task { [batch] in try await consume(batch) }.value
    }
}
