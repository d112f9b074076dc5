internal import Daybook

/// What came of a command.
enum Decision<A: Aggregate>: Sendable {
    case accepted([EventContent])
    case rejected(A.Rejection)
}
