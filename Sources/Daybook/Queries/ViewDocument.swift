/// A document of a view, as it was stored.
public struct ViewDocument<Document: Queryable>: Sendable {
    /// The document's `_id`, unique in the view.
    public let key: String
    /// The state, which the events were applied to.
    public let document: Document
    /// How many events were applied to it.
    public let events: Int64
}

extension ViewDocument: Equatable where Document: Equatable {}
