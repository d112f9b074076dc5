/// A document of a view that is not what the journal says.
public struct ProjectionFinding: Sendable, Hashable {
    /// What is wrong.
    public enum Kind: String, Sendable, CaseIterable, CustomStringConvertible {
        /// It includes fewer events than the journal has for it.
        case behind
        /// It has another state than its events make, or includes more events.
        case different
        /// The view lacks it.
        case missing
        /// No event makes such a document.
        case orphan

        /// The name.
        public var description: String { rawValue }
    }

    /// A place at which the document differs from what its events make.
    public struct Difference: Sendable, Hashable {
        /// The keys from the document to the place, separated by dots.
        public let path: String
        /// The value in the view, and the one that its events make, as extended JSON of at most 200 characters; nil for
        /// none.
        public let stored: String?, expected: String?
    }

    /// What is wrong.
    public let kind: Kind
    /// The document's key; one that is no text, as extended JSON.
    public let key: String
    /// How many events the document includes, and how many it should; nil where there is no document.
    public let events: Int64?, expected: Int64?
    /// Of a document that is `different`: where, at most three places.
    public let differences: [Difference]
    /// Whether there are more of them.
    public let hasMoreDifferences: Bool
}
