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

    /// What is wrong.
    public let kind: Kind
    /// The document's key.
    public let key: String
    /// How many events the document includes, and how many it should; nil where there is no document.
    public let events: Int64?, expected: Int64?
}
