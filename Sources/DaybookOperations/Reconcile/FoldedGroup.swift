/// Aggregates that were folded, and are to be compared together.
///
/// `@unchecked Sendable`: who folded them does not refer to them any more when the group is handed on.
struct FoldedGroup<F: AggregateFold>: @unchecked Sendable {
    private(set) var checks: [AggregateCheck<F>] = []
    private var bytes = 0
    /// The largest state that the comparison has seen of late; nil before the first. How large one is that was only folded is not known.
    private var stateBytes: Int?

    init() {}

    init(after group: FoldedGroup) {
        stateBytes = group.stateBytes
    }

    mutating func add(_ check: AggregateCheck<F>) {
        checks.append(check)
        bytes += max(check.byteCount, stateBytes ?? 0)
    }

    /// Notes what one took that was compared.
    mutating func expect(_ byteCount: Int) {
        // It is forgotten in time: one large state among many small ones does not make groups of one for ever.
        stateBytes = max(byteCount, (stateBytes ?? 0) * 63 / 64)
    }

    /// So many that a change of threads does not matter, and few because their states are in memory.
    var isFull: Bool { checks.count >= (stateBytes == nil ? 4 : 64) || bytes >= 1 << 20 }
}
