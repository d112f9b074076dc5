/// All conflicts that were found: the ``DaybookError/underlying`` error of ``DaybookError/Code/conflictingDefinition``.
public struct DefinitionConflicts: Error, Sendable, Hashable, CustomStringConvertible {
    /// At least one.
    public let conflicts: [DefinitionConflict]

    public var description: String { conflicts.map(\.description).joined(separator: "\n") }
}

extension DaybookError {
    /// - Parameter conflicts: At least one.
    init(_ conflicts: [DefinitionConflict], in database: String) {
        let count =
            conflicts.count == 1 ? "a definition that conflicts" : "\(conflicts.count) definitions that conflict"
        let conflicts = DefinitionConflicts(conflicts: conflicts)
        self.init(
            .conflictingDefinition,
            "the database \"\(database)\" has \(count) with Daybook's. Nothing was changed.\n\(conflicts)",
            underlying: conflicts)
    }
}
