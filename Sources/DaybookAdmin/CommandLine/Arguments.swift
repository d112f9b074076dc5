internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions
internal import Foundation

/// Parses arguments of the command line. Errors are reported before anything is sent.
enum Arguments {
    static func type(_ text: String) throws -> AggregateType {
        guard let type = AggregateType(rawValue: text) else {
            throw ValidationError("a type is written [a-z][a-z0-9-]*, and has at most 64 characters")
        }
        return type
    }

    static func subscription(_ text: String) throws -> SubscriptionName {
        do {
            return try SubscriptionName(text)
        } catch {
            throw ValidationError("a name is written [a-z][a-z0-9-]*, and has at most 64 characters")
        }
    }

    static func date(_ text: String) throws -> Date {
        guard let date = Date(rfc3339: text) else {
            throw ValidationError("a date is written as RFC 3339 has it, as in 2025-03-11T00:00:00Z")
        }
        return date
    }

    /// Parses extended JSON.
    static func document(_ text: String) throws -> BSONDocument {
        do {
            return try BSONDocument(extendedJSON: text)
        } catch {
            throw ValidationError(
                "it is not a document in extended JSON, as in '{\"state.status\": \"issued\"}': \(error.message)")
        }
    }
}
