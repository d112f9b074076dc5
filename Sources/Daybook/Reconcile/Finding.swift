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
        /// The journal is damaged: versions are not contiguous, or an event was recorded before the one that it follows.
        case gap
        /// An event cannot be decoded or applied, so nobody can say what the state is.
        case unreadable

        /// Whether the journal itself is at fault, which is reported and never repaired.
        public var isDamage: Bool { self == .gap || self == .unreadable }
    }

    /// A place at which a snapshot says something else than the journal.
    public struct Difference: Sendable, Hashable {
        /// Dotted, from the root of the stored document: `state.balance`. An array's elements have their indices as keys.
        public let path: String
        /// What is stored; nil when there is nothing.
        public let stored: BSONValue?
        /// What the journal says; nil when there should be nothing.
        public let expected: BSONValue?
    }

    /// What was done about it, or would be done.
    public enum Repair: Sendable, Hashable {
        /// The snapshot was put in.
        case insert(BSONDocument)
        /// The fields that differ were changed, by this update.
        case update(BSONDocument)
        /// The whole snapshot was replaced by this one.
        case replace(BSONDocument)
        /// The snapshot was deleted.
        case delete
        /// Nothing, for this reason.
        case none(String)
    }

    /// `license/L-1`; for an orphan whatever its `_id` is, as extended JSON where it is no text.
    public let aggregateID: String
    /// What is wrong.
    public let kind: Kind
    /// The version that the snapshot claims; nil when there is no snapshot, or no number in it.
    public let snapshotVersion: Int64?
    /// The last version in the journal; nil when there is no event, or none that can be read. For a damaged journal the last one before the damage.
    public let journalVersion: Int64?
    /// One sentence for people. It names fields and never shows what they hold.
    public let detail: String
    /// Where the two differ, for ``Kind/diverged``; at most 100 places.
    public let differences: [Difference]
    /// Of ``DaybookStore/patch(_:only:progress:)`` and ``DaybookStore/rebuild(_:swap:restart:progress:)``.
    public internal(set) var repair: Repair?
}
