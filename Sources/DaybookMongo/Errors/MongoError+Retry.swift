extension MongoError {
    // MARK: Reads

    /// Whether the same read may succeed if it is repeated: after an election, a lost connection, or with a new cursor.
    package var isOfTheMoment: Bool {
        switch code {
        case .network, .noServer, .timedOut: true
        default: meaning.read == .again || isKilledCursor
        }
    }

    /// Whether the connection may have been lost while it signed in, as in an election: libmongoc reports that like a
    /// wrong password.
    var mayBeOfLostHandshake: Bool { code == .authenticationFailed && serverCode == nil }

    /// Whether a cursor or a read ended because its collection was dropped, renamed or swapped.
    package var isKilledCursor: Bool { meaning.read == .cursorKilled }

    /// Whether a change stream can never continue from its token: the oplog no longer reaches back to it, or its
    /// collection was dropped or renamed. Open a new stream, and compare all snapshots.
    package var isPlaceLost: Bool { code == .placeLost || labels.contains(.nonResumableChangeStream) }

    /// Whether a change stream must be opened anew. Errors that are not about its token (no server, no free connection,
    /// no permission, an election) do not count: it may continue from there later.
    ///
    /// - Parameter isResumed: Whether the stream was opened with a token. Then any other refusal by the server counts
    ///   as one of the token, which may be invalid.
    package func losesPlace(isResumed: Bool) -> Bool {
        if isPlaceLost { return true }
        return isResumed && operation == "watch" && code == .server && !isOfTheMoment
    }

    // MARK: Writes

    /// Whether this reply to a write outside a transaction proves that the document or statement took no effect and
    /// never will. After any other error it may have taken effect, or may still do so.
    package var isRefusal: Bool {
        if serverCode == nil { return isBeforeSending }
        return meaning.write == .refused
    }

    /// Whether the error arose before anything was sent.
    var isBeforeSending: Bool {
        switch code {
        case .noServer, .authenticationFailed, .invalidConfiguration, .invalidData, .serverTooOld: true
        case .tooLarge: serverCode == nil
        default: false
        }
    }

    // MARK: Transactions

    /// Whether nothing took effect and another attempt may succeed now.
    package var canBeTriedAgain: Bool {
        guard code != .noServer else { return false }
        // By the specification of transactions, the server's label alone allows a whole transaction to run again. A
        // write conflict is a lost race, with or without the label.
        return labels.contains(.transientTransaction) || code == .writeConflict
    }

    /// Whether the commit alone may be sent again to learn its outcome: no reply came, or a transient error.
    package var mayBeCommittedAgain: Bool {
        if serverCode == nil || labels.contains(.unknownCommitResult) { return true }
        return code == .network || code == .timedOut || code == .writeConcernFailed
    }

    /// Whether this reply to a commit proves that nothing was committed and nothing will be.
    ///
    /// Only the server can know that. It reports it with the label `TransientTransactionError`, or with a code that it
    /// returns before it begins the commit. After any other error the commit may have taken effect. For example, a
    /// server omits the label from a second attempt's `NoSuchTransaction` as long as the first primary may come back
    /// with the commit. And a router may reply to a commit that it has forwarded with the code of a lost connection.
    /// https://github.com/mongodb/specifications/blob/master/source/transactions/transactions.md
    package var isDefiniteAbort: Bool {
        // A statement failed earlier, so the commit was not sent.
        if phase == .operation || phase == .start { return true }
        guard serverCode != nil, code != .writeConcernFailed, !labels.contains(.unknownCommitResult) else {
            return false
        }
        return labels.contains(.transientTransaction) || meaning.commit == .aborted
    }
}
