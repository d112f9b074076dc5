extension MongoError {
    /// The server's error number as a case; nil where the server sent none, or one that is not in the table.
    package var serverError: ServerErrorCode? { serverCode.flatMap(ServerErrorCode.init(rawValue:)) }

    var meaning: ServerErrorCode.Meaning {
        // The number of a write concern error is about the acknowledgement: the write itself was executed.
        guard code != .writeConcernFailed else { return .ofUnknownCode }
        return serverError?.meaning ?? .ofUnknownCode
    }

    /// Whether the server refuses a filter or another argument as invalid.
    package var isBadArgument: Bool { serverError == .badValue || serverError == .failedToParse }

    /// Whether the server refused with a number that has no name, as for `$where` where it runs no JavaScript: only its
    /// text says what that is.
    package var isUnknownRefusal: Bool { code == .server && serverCode != nil && serverError == nil }

    /// Whether a unique index that is not among `known` refused a document; each of `known` is the fields of an index
    /// in their order. Then neither a rival nor an earlier attempt is the cause, and the same document is refused each
    /// time. False where the server did not name the index.
    package func isRefusedByIndex(otherThan known: [[String]]) -> Bool {
        code == .duplicateKey && !keyPattern.isEmpty && !known.contains(keyPattern)
    }

    /// Whether the server lacks the command or one of its fields: an older version, or one whose feature compatibility
    /// version is an older one.
    package var isUnknownCommand: Bool {
        switch serverError {
        case .commandNotFound, .commandNotSupported, .unknownField: true
        default: false
        }
    }
}
