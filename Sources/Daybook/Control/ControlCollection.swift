/// The collections that long work and subscriptions keep their state in.
enum ControlCollection: String, CaseIterable {
    case leases = "daybook.leases"
    case checkpoints = "daybook.checkpoints"
    case runs = "daybook.runs"
    case deadLetters = "daybook.deadLetters"
}
