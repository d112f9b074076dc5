/// The collections that long work and subscriptions keep their state in.
package enum ControlCollection: String, CaseIterable, CustomStringConvertible {
    case leases = "daybook.leases"
    case checkpoints = "daybook.checkpoints"
    case runs = "daybook.runs"
    case deadLetters = "daybook.deadLetters"

    /// What their names begin with.
    static let prefix = "daybook."

    package var description: String { rawValue }
}
