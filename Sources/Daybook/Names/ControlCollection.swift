/// The collections in which long-running work and subscriptions keep their state.
package enum ControlCollection: String, CaseIterable, CustomStringConvertible {
    case leases = "daybook.leases"
    case checkpoints = "daybook.checkpoints"
    case runs = "daybook.runs"
    case marks = "daybook.marks"
    case subscriptions = "daybook.subscriptions"
    case deadLetters = "daybook.deadLetters"

    /// The prefix of their names.
    static let prefix = "daybook."

    package var description: String { rawValue }
}
