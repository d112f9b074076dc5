internal import Daybook
internal import DaybookBSON

/// A finding while it is confirmed and repaired, with what it was seen by.
struct Suspect: Sendable {
    /// As it is in the journal; empty for a document whose id no aggregate can have.
    let id: [UInt8]
    let kind: Finding.Kind
    let detail: String
    let stored: FoundSnapshot?
    /// The last version in the journal, or before the damage; 0 when there is no event.
    let journalVersion: Int64?
    /// When the last event was recorded, where that was read.
    var recordedAt: BSONDate?
    /// The snapshot that should be stored, where it was asked for.
    var expected: BSONDocument?
    /// As its fold has it; see ``AggregateFold``.
    var hasSkippedStates = false
    /// As its fold has it.
    var isUncertain = false

    init(_ id: [UInt8], _ kind: Finding.Kind, _ detail: String, stored: FoundSnapshot?, journalVersion: Int64?) {
        self.id = id
        self.kind = kind
        self.detail = detail
        self.stored = stored
        self.journalVersion = journalVersion
    }

    /// A document that no aggregate of its collection's type can have.
    init(stray: FoundSnapshot) {
        self.init(
            [], .orphan, "its id is none that an aggregate of this type can have", stored: stray, journalVersion: nil)
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

    /// Its size while it waits to be repaired or reported.
    var byteCount: Int { 256 + (stored?.document.bytes.count ?? 0) + (expected?.bytes.count ?? 0) }

    /// Whether a second look has found the same.
    ///
    /// A program of another schema may write the snapshot again and again: then it is outdated each time.
    func isConfirmed(by second: Suspect) -> Bool {
        guard kind == second.kind else { return false }
        return stored == second.stored || (kind == .outdated && stored?.stateSchema == second.stored?.stateSchema)
    }

    /// What is reported of it.
    func finding(_ repair: Finding.Repair? = nil) -> Finding {
        var finding = Finding(
            aggregateID: name, kind: kind, snapshotVersion: stored?.version,
            journalVersion: journalVersion.flatMap { $0 > 0 ? $0 : nil }, detail: detail)
        if kind == .diverged, let stored, let expected {
            let difference = SnapshotDifference(stored: stored.document, expected: expected)
            finding.differences = difference.places
            finding.isCut = difference.isCut
        }
        finding.repair = repair
        return finding
    }
}
