internal import DaybookBSON

/// Something in the database that is not as Daybook needs it, and that Daybook therefore leaves to its operator.
public struct DefinitionConflict: Sendable, Hashable {
    /// What it is about: `the index "aggregateId_version" of "journal"`.
    public let subject: String
    /// What is wrong with it.
    public let reason: String
    /// What is there, as extended JSON on one line.
    public let found: String
    /// What is wanted, as extended JSON on one line.
    public let wanted: String
    /// The commands for mongosh that settle it, in order; a line that begins with `//` is for people.
    public let remedy: [String]
}

extension DefinitionConflict: CustomStringConvertible {
    public var description: String {
        (["\(subject) \(reason)", "  found:  \(found)", "  wanted: \(wanted)", "  remedy, in mongosh:"]
            + remedy.map { "    \($0)" })
            .joined(separator: "\n")
    }
}

/// Every conflict that was found; what ``DaybookError/underlying`` is behind ``DaybookError/Code/conflictingDefinition``.
public struct DefinitionConflicts: Error, Sendable, Hashable, CustomStringConvertible {
    /// At least one.
    public let conflicts: [DefinitionConflict]

    public var description: String { conflicts.map(\.description).joined(separator: "\n") }
}

extension DaybookError {
    /// - Parameter conflicts: At least one.
    init(_ conflicts: [DefinitionConflict], in database: String) {
        let count = conflicts.count == 1 ? "a definition that conflicts" : "\(conflicts.count) definitions that conflict"
        let conflicts = DefinitionConflicts(conflicts: conflicts)
        self.init(
            .conflictingDefinition,
            "the database \"\(database)\" has \(count) with Daybook's. Nothing was changed.\n\(conflicts)", underlying: conflicts)
    }
}

/// Commands for mongosh.
enum Shell {
    static func database(_ name: String) -> String { "db.getSiblingDB(\(quoted(name)))" }

    static func collection(_ name: String, in database: String) -> String {
        "\(self.database(database)).getCollection(\(quoted(name)))"
    }

    static func command(_ command: BSONDocument, in database: String) -> String {
        "\(self.database(database)).runCommand(\(json(command)))"
    }

    /// Extended JSON is what mongosh reads, as long as there is no value in it that JSON has no form for; a definition has none.
    static func json(_ document: BSONDocument) -> String {
        (try? document.extendedJSON(.relaxed)) ?? "(not readable)"
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F || scalar.value == 0x2028 || scalar.value == 0x2029:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
