internal import Daybook
public import DaybookBSON

/// A snapshot that is not what the journal says, or a journal that is damaged.
public struct Finding: Sendable, Hashable {
    /// What is wrong.
    public enum Kind: String, Sendable, CaseIterable {
        /// Events, and no snapshot.
        case missing
        /// Behind the journal, and right as of its version.
        case stale
        /// Of another `stateSchema` than the declared one.
        case outdated
        /// Of a version that the journal has, with other content: a hand edit, or a fault of a program.
        case diverged
        /// Of a version that the journal does not have.
        case ahead
        /// A snapshot without events.
        case orphan
        /// The journal is damaged: versions are not contiguous, or an event was recorded before the one that it
        /// follows.
        case gap
        /// An event cannot be decoded or applied, so it is not known what the state is.
        case unreadable
        /// A commit of which the aggregate has its part, and the journal lacks another: restored from a backup that is
        /// not of one moment, or removed by hand. Only a full verify looks for it, and reports it with the aggregate
        /// that has the first event, or, where that event is missing, with each that has a part.
        case torn

        /// Whether the journal itself is at fault, which is reported and never repaired.
        public var isDamage: Bool { self == .gap || self == .unreadable || self == .torn }
    }

    /// A place at which a snapshot says something else than the journal.
    public struct Difference: Sendable, Hashable {
        /// Dotted, from the root of the stored document: `state.balance`. An array's elements have their indices as
        /// keys.
        public let path: String
        /// What is stored; nil when there is nothing.
        public let stored: BSONValue?
        /// What the journal says; nil when there should be nothing.
        public let expected: BSONValue?
        /// Whether the two values are too large for a report, and were left out: ``stored`` and ``expected`` are nil
        /// then.
        public let isCut: Bool

        init(path: String, stored: BSONValue?, expected: BSONValue?, isCut: Bool = false) {
            self.path = path
            self.stored = stored
            self.expected = expected
            self.isCut = isCut
        }
    }

    /// What was done about it; of a dry run what would be done.
    public struct Repair: Sendable, Hashable {
        /// What is done to a snapshot.
        public enum Action: String, Sendable, CaseIterable {
            case insert, update, replace, delete
            /// Nothing; ``Repair/reason`` says why.
            case none
        }

        /// What is done.
        public let action: Action
        /// Why nothing is.
        public let reason: String?
        /// Of a dry run: the snapshot that would be put there, or the update that would be made.
        public internal(set) var write: BSONDocument?
    }

    /// `license/L-1`; for an orphan whatever its `_id` is, as extended JSON where it is no text.
    public let aggregateID: String
    /// What is wrong.
    public let kind: Kind
    /// The version that the snapshot claims; nil when there is no snapshot, or no number in it.
    public let snapshotVersion: Int64?
    /// The last version in the journal; nil when there is no event, or none that can be read. For a damaged journal the
    /// last one before the damage.
    public let journalVersion: Int64?
    /// One sentence for people. It names fields and never shows what they hold.
    public let detail: String
    /// Where the two differ, for ``Kind/diverged``: at most 100 places, with values of at most 64 KiB together.
    public internal(set) var differences: [Difference]
    /// Whether ``differences`` is not all of them, or lacks values, or ``Repair/write`` was left out, because the
    /// report would be too large.
    public internal(set) var isCut = false
    /// Of ``Daybook/DaybookStore/patch(_:only:progress:)`` and
    /// ``Daybook/DaybookStore/rebuild(_:swap:restart:progress:)``.
    public internal(set) var repair: Repair?

    init(
        aggregateID: String, kind: Kind, snapshotVersion: Int64?, journalVersion: Int64?, detail: String,
        differences: [Difference] = []
    ) {
        self.aggregateID = aggregateID
        self.kind = kind
        self.snapshotVersion = snapshotVersion
        self.journalVersion = journalVersion
        self.detail = detail
        self.differences = differences
    }

    /// About how many bytes it holds of snapshots.
    var contentBytes: Int {
        differences.reduce(repair?.write?.bytes.count ?? 0) { $0 + $1.byteCount }
    }

    /// Without what it holds of snapshots.
    mutating func cut() {
        differences = []
        repair?.write = nil
        isCut = true
    }
}

extension Finding.Difference {
    /// About how many bytes it takes.
    var byteCount: Int { path.utf8.count + (stored?.byteCount ?? 0) + (expected?.byteCount ?? 0) }

    /// Itself without the values.
    var withoutValues: Finding.Difference { Finding.Difference(path: path, stored: nil, expected: nil, isCut: true) }
}

extension BSONValue {
    /// About how many bytes it takes in a document.
    fileprivate var byteCount: Int {
        switch self {
        case .document(let document): return document.bytes.count
        default:
            // In a document of its own; what does not fit into one counts as a whole one.
            var alone = BSONDocument()
            return (try? alone.append("", self)) == nil ? BSONDocument.maximumBytes : alone.bytes.count
        }
    }
}
