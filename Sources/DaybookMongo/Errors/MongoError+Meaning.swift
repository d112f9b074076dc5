extension MongoError {
    /// The server's number by its name; nil where the server said none, or one that the table does not have.
    package var serverError: ServerErrorCode? { serverCode.flatMap(ServerErrorCode.init(rawValue:)) }

    var meaning: ServerErrorCode.Meaning {
        // The number of a write concern error is of the acknowledgement: the write itself was done.
        guard code != .writeConcernFailed else { return .ofUnknownCode }
        return serverError?.meaning ?? .ofUnknownCode
    }

    /// Whether the server does not take a filter, or another argument, as it is.
    package var isBadArgument: Bool { serverError == .badValue || serverError == .failedToParse }

    /// Whether a unique index refused a document that is none of `known`, each the fields of an index in its order: then no rival and no earlier
    /// attempt stands there, and the same document is refused each time. False where the server did not say which index.
    package func isRefusedByIndex(otherThan known: [[String]]) -> Bool {
        code == .duplicateKey && !keyPattern.isEmpty && !known.contains(keyPattern)
    }

    /// Whether the server does not have the command or one of its fields, as far as it was asked: an older version, or one whose feature
    /// compatibility version is an older one's.
    package var isUnknownCommand: Bool {
        switch serverError {
        case .commandNotFound, .commandNotSupported, .unknownField: true
        default: false
        }
    }
}
