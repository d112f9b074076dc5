internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// One aggregate on its way through a reconciliation: its snapshot as it was read, and its events, one after the other.
///
/// An object, in which the fold changes in place: each copy of it would make the next change of the state a copy of all of it.
final class AggregateCheck<F: AggregateFold> {
    /// What the aggregate keeps, and therefore can be compared.
    enum Expectation: Sendable {
        /// No snapshot: only the journal is looked at.
        case nothing
        /// A snapshot, which is there or is missing.
        case snapshot
    }

    /// As the journal has it.
    let id: [UInt8]
    private let expectation: Expectation
    private let stored: StoredIdentity?
    /// Nil where the id is none.
    private var fold: F?
    /// The fold's: the last event taken in; 0 before the first.
    private var version: Int64 = 0
    private var damage: Damage?
    private var agreesAtStored: Bool?
    /// How many events were taken in or passed over.
    private(set) var events = 0
    /// The size of all that was read of it.
    private(set) var byteCount: Int
    /// The commits that it has a part of; nil where those are not looked at.
    private var trace: CommitTrace?
    /// Parts of commits of which another part was not found.
    private(set) var torn: [CommitPart] = []

    private struct Damage {
        var kind: Finding.Kind
        var version: Int64?
        var detail: String
    }

    /// - Parameters:
    ///   - snapshot: What stands in the collection; nil when nothing does.
    ///   - tracesCommits: Whether the commits are wanted that it has only a part of.
    init(
        _ id: [UInt8], snapshot: BSONDocument?, expecting expectation: Expectation, tracesCommits: Bool = false,
        _ coding: F.Coding
    ) {
        self.id = id
        trace = tracesCommits ? CommitTrace() : nil
        self.expectation = expectation
        stored = snapshot.map(StoredIdentity.init)
        byteCount = snapshot?.bytes.count ?? 0
        do {
            guard let text = String(validating: id, as: UTF8.self) else {
                throw DaybookError(.invalidArgument, "the aggregate id is not UTF-8")
            }
            fold = F(try AggregateID(parsing: text), coding)
        } catch {
            damage = Damage(kind: .unreadable, version: nil, detail: "this cannot be an aggregate's id: \(describe(error))")
        }
    }

    /// Takes in the next event of the aggregate. Behind damage it only counts.
    func take(_ document: BorrowedDocument, at place: Int64?) {
        events += 1
        byteCount += document.bytes.count
        guard damage == nil else { return traceAlone(document, at: place) }
        guard let place else {
            damage = Damage(kind: .unreadable, version: version, detail: "an event's version is not an integer")
            return
        }
        guard place == version + 1 else {
            let detail =
                place <= version
                ? "version \(place) is there twice"
                : version + 1 == place - 1
                    ? "version \(version + 1) is not there" : "versions \(version + 1) to \(place - 1) are not there"
            damage = Damage(kind: .gap, version: version, detail: "the journal is damaged: \(detail)")
            return traceAlone(document, at: place)
        }
        do {
            if let stored, stored.version == version, stored.hasSchema(of: F.self) {
                agreesAtStored = try fold?.agrees(with: stored.document)
            }
            let membership = try fold?.take(document)
            version = place
            if trace != nil, let membership { trace?.take(membership, version: place) }
        } catch {
            let isOrder = (error as? DaybookError)?.code == .damagedJournal
            damage = Damage(
                kind: isOrder ? .gap : .unreadable, version: version,
                detail: (isOrder ? "the journal is damaged: " : "") + describe(error))
            traceAlone(document, at: place)
        }
    }

    /// Of what the fold does not take, the commit is looked at all the same.
    private func traceAlone(_ document: BorrowedDocument, at place: Int64?) {
        guard trace != nil, let place, let membership = (try? BorrowedEvent(document))?.membership else { return }
        trace?.take(membership, version: place)
    }

    /// The parts of commits so far, whose others are to be looked for.
    ///
    /// - Parameter isLast: Whether no event follows.
    func takeParts(isLast: Bool) -> [CommitPart] { trace?.takeParts(isLast: isLast) ?? [] }

    /// Whether there are so many that they are looked for before the aggregate's end.
    var hasManyParts: Bool { (trace?.parts.count ?? 0) >= 2_000 }

    /// Notes those of which others were not found; as many as a report can have.
    func note(torn parts: [CommitPart]) {
        torn += parts.prefix(max(0, ReconcileReport.maximumFindings - torn.count))
    }

    /// What became of it, behind its last event.
    ///
    /// - Parameter needsSnapshot: Whether the snapshot that should stand there is wanted too.
    func assess(needsSnapshot: Bool) -> Assessment {
        var assessment = Assessment(id: id, stored: stored, journalVersion: fold == nil ? nil : version)
        assessment.recordedAt = fold?.recordedAt
        if let damage {
            assessment.kind = damage.kind
            assessment.detail = damage.detail
            assessment.journalVersion = damage.version
            return assessment
        }
        guard let fold, expectation != .nothing else { return assessment }
        do {
            (assessment.kind, assessment.detail) = try judge(fold)
            if needsSnapshot, assessment.kind != nil, assessment.kind != .orphan {
                let expected = try fold.snapshotDocument()
                try Assessment.checkSize(expected)
                assessment.expected = expected
            }
        } catch {
            assessment.kind = .unreadable
            assessment.detail = describe(error)
        }
        // Behind the comparison, which encodes the last state.
        assessment.hasSkippedStates = fold.hasSkippedStates
        assessment.isUncertain = fold.isUncertain
        return assessment
    }

    private func judge(_ fold: F) throws -> (Finding.Kind?, String) {
        guard let stored else {
            return version > 0 && fold.keepsSnapshot
                ? (.missing, "there is no snapshot, and the journal is at version \(version)") : (nil, "")
        }
        guard version > 0 else { return (.orphan, "there is a snapshot, and no event") }
        let isNewer = (stored.stateSchema ?? 0) > (F.stateSchema ?? .max)
        guard fold.keepsSnapshot || isNewer else {
            return (.orphan, "there is a snapshot, and the state at version \(version) keeps none")
        }
        if let schema = stored.stateSchema, let declared = F.stateSchema, schema != declared {
            let advice = schema > declared ? ": a newer program's, and not this one's to write" : ""
            return (.outdated, "its stateSchema is \(schema), not \(declared)\(advice)")
        }
        guard let found = stored.version, found > 0, stored.hasSchema(of: F.self) else {
            return (.diverged, "it is not a snapshot as Daybook writes one")
        }
        if found > version { return (.ahead, "it is at version \(found), and the journal at \(version)") }
        if found < version {
            guard agreesAtStored == true else {
                return (.diverged, "it is not what the journal says at version \(found), and behind the journal's \(version)")
            }
            return (.stale, "it is at version \(found), and the journal at \(version)")
        }
        return try fold.agrees(with: stored.document)
            ? (nil, "") : (.diverged, "it is not what the journal says at version \(found)")
    }
}

/// A snapshot as it was read, and what identifies it.
struct StoredIdentity: Sendable, Hashable {
    let document: BSONDocument
    let version: Int64?
    let stateSchema: Int32?

    init(_ document: BSONDocument) {
        self.document = document
        (version, stateSchema) = document.withBorrowed { document in
            var version: Int64?, stateSchema: Int32?
            var elements = document.makeElements()
            do throws(BSONError) {
                while let element = try elements.next() {
                    if element.hasKey(SnapshotKey.version) {
                        version = try? element.int64()
                    } else if element.hasKey(SnapshotKey.stateSchema) {
                        stateSchema = try? element.int32()
                    }
                }
            } catch {
                // What cannot be read is not what Daybook has written; it is compared all the same.
                return (nil, nil)
            }
            return (version, stateSchema)
        }
    }

    func hasSchema<F: AggregateFold>(of fold: F.Type) -> Bool {
        stateSchema != nil && (F.stateSchema == nil || stateSchema == F.stateSchema)
    }
}

/// What is wrong with one aggregate, as far as one look can tell.
struct Assessment: Sendable {
    /// As it is in the journal, or the `_id` of the snapshot where that is a text.
    let id: [UInt8]
    var stored: StoredIdentity?
    /// Nil when nothing is wrong.
    var kind: Finding.Kind?
    var detail = ""
    /// 0 when there is no event.
    var journalVersion: Int64?
    /// When the last event was recorded, where that was read.
    var recordedAt: BSONDate?
    /// The snapshot that should stand there, where it was asked for.
    var expected: BSONDocument?
    /// As its fold has it; see ``AggregateFold``.
    var hasSkippedStates = false
    /// As its fold has it.
    var isUncertain = false

    init(id: [UInt8], stored: StoredIdentity?, journalVersion: Int64?) {
        self.id = id
        self.stored = stored
        self.journalVersion = journalVersion
    }

    /// The id as a text.
    var text: String { String(decoding: id, as: UTF8.self) }

    /// The id as it is reported.
    var name: String {
        if kind == .orphan, let id = stored?.document[SnapshotKey.id] {
            guard case .string(let text) = id else { return id.shown() }
            // An aggregate's id is far shorter; a document may have any.
            return text.utf8.count > 1_024 ? "\(text.prefix(200))…" : text
        }
        return text
    }

    /// Its size while it waits to be settled.
    var byteCount: Int { 256 + (stored?.document.bytes.count ?? 0) + (expected?.bytes.count ?? 0) }

    /// The selector of the very snapshot that was read: a compare-and-set on its version and digest.
    var selector: BSONDocument {
        guard let stored else { return [SnapshotKey.id: .string(text)] }
        let document = stored.document
        return BorrowedSnapshot.selector(
            id: ["$eq": document[SnapshotKey.id] ?? .null], version: document[SnapshotKey.version],
            digest: document[SnapshotKey.digest])
    }

    /// - Throws: ``DaybookError/Code/tooLarge``
    fileprivate static func checkSize(_ expected: BSONDocument?) throws {
        guard let expected, expected.bytes.count > maximumDocumentBytes else { return }
        throw DaybookError(
            .tooLarge,
            "its snapshot would have \(expected.bytes.count) bytes; MongoDB stores at most \(maximumDocumentBytes)")
    }

    /// The finding that it is; nil when nothing is wrong.
    var finding: Finding? {
        guard let kind else { return nil }
        var difference: SnapshotDifference?
        if kind == .diverged, let stored, let expected {
            difference = SnapshotDifference(stored: stored.document, expected: expected)
        }
        return Finding(
            aggregateID: name, kind: kind, snapshotVersion: stored?.version,
            journalVersion: journalVersion.flatMap { $0 > 0 ? $0 : nil },
            detail: detail, differences: difference?.places ?? [], isCut: difference?.isCut ?? false)
    }
}
