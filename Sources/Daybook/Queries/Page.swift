/// Consecutive snapshots of an order, and where the next page begins; see
/// ``Repository/page(where:sort:limit:after:waitFor:)``.
public struct Page<A: Aggregate>: Sendable {
    /// At most as many as the limit; fewer only on the last page.
    public let items: [Snapshot<A>]
    /// The key for the next page; nil when no more matching snapshots are stored.
    public let next: PageKey?
}

extension Page: Equatable where A: Equatable {}
