internal import Daybook

/// What came of a command.
enum Decision<A: Aggregate>: Sendable {
    case accepted([ReplayedEvent])
    case rejected(A.Rejection)
}
