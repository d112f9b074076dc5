internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import Foundation

/// The one aggregate that a command is about.
struct AggregateArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The aggregate, as in license/L-1.", valueName: "type/key"),
        transform: { try AggregateID(parsing: $0) })
    var id: AggregateID
}

/// The types that a command is limited to.
struct TypeOptions: ParsableArguments {
    @Option(
        name: .customLong("type"),
        help: ArgumentHelp("Only aggregates of this type; may be repeated. (default: all)", valueName: "type"),
        transform: { try Arguments.type($0) })
    var types: [AggregateType] = []
}

/// How texts of the command line are read; what is wrong with one is said before anything is sent.
enum Arguments {
    static func type(_ text: String) throws -> AggregateType {
        guard let type = AggregateType(rawValue: text) else {
            throw ValidationError("a type is written [a-z][a-z0-9-]*, and has at most 64 characters")
        }
        return type
    }

    static func date(_ text: String) throws -> Date {
        guard let date = Date(rfc3339: text) else {
            throw ValidationError("a date is written as RFC 3339 has it, as in 2025-03-11T00:00:00Z")
        }
        return date
    }

    /// Extended JSON.
    static func document(_ text: String) throws -> BSONDocument {
        do {
            return try BSONDocument(extendedJSON: text)
        } catch {
            throw ValidationError(
                "it is not a document in extended JSON, as in '{\"state.status\": \"issued\"}': \(error.message)")
        }
    }
}
