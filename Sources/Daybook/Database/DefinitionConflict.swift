/// Something in the database that is not as Daybook needs it, and that Daybook does not change: the operator must.
public struct DefinitionConflict: Sendable, Hashable {
    /// What it is about, such as `the index "aggregateId_version" of "journal"`.
    public let subject: String
    /// What is wrong with it.
    public let reason: String
    /// What is there, as extended JSON on one line.
    public let found: String
    /// What is wanted, as extended JSON on one line.
    public let wanted: String
    /// The commands for mongosh that resolve it, in order. A line that begins with `//` is a note for people.
    public let remedy: [String]
}

extension DefinitionConflict: CustomStringConvertible {
    public var description: String {
        (["\(subject) \(reason)", "  found:  \(found)", "  wanted: \(wanted)", "  remedy, in mongosh:"]
            + remedy.map { "    \($0)" })
            .joined(separator: "\n")
    }
}
