/// Some snapshots in an order, and where the next ones begin; see ``Repository/page(where:sort:limit:after:waitFor:)``.
public struct Page<A: Aggregate>: Sendable {
    /// At most as many as were asked for; fewer only on the last page.
    public let items: [Snapshot<A>]
    /// Begins the next page; nil when nothing more was stored that matches.
    public let next: PageKey?
}

extension Page: Equatable where A: Equatable {}
