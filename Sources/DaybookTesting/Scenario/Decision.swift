internal import Daybook

/// The result of a command.
enum Decision<A: Aggregate>: Sendable {
    case accepted([EventContent])
    case rejected(A.Rejection)
}
