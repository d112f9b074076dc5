/// Consecutive documents of a view, and where the next page begins; see
/// ``ViewReader/page(where:sort:limit:after:)``.
public struct ViewPage<Document: Queryable>: Sendable {
    /// At most as many as the limit; fewer only on the last page.
    public let items: [ViewDocument<Document>]
    /// The key for the next page; nil when no more matching documents are stored.
    public let next: PageKey?
}

extension ViewPage: Equatable where Document: Equatable {}
