extension MongoError {
    // MARK: Reads

    /// Whether the same read may well succeed now: after an election, a lost connection, or with a new cursor.
    package var isOfTheMoment: Bool {
        switch code {
        case .network, .noServer, .timedOut: true
        default: meaning.read == .again || isKilledCursor
        }
    }

    /// Whether it may be of a connection that ended while it signed in, as in an election: libmongoc says the same of a wrong password.
    var mayBeOfLostHandshake: Bool { code == .authenticationFailed && serverCode == nil }

    /// Whether a cursor or a read ended because its collection was dropped, renamed or swapped.
    package var isKilledCursor: Bool { meaning.read == .cursorKilled }

    /// Whether a change stream cannot continue from its place, now or ever: the oplog no longer has it, or its collection was dropped or renamed.
    /// Open a stream from now, and compare all.
    package var isPlaceLost: Bool { code == .placeLost || labels.contains(.nonResumableChangeStream) }

    /// Whether a change stream must begin anew. What is not about its place (no server, no connection free, no permission, an election) is none of
    /// that: it may continue from there later.
    ///
    /// - Parameter isResumed: Whether it was opened with a token: then any other refusal of the server's is taken for one of the token, which may
    ///   be none.
    package func losesPlace(isResumed: Bool) -> Bool {
        if isPlaceLost { return true }
        return isResumed && operation == "watch" && code == .server && !isOfTheMoment
    }

    // MARK: Writes

    /// Whether, as the answer to a write outside a transaction, it says that the document or statement took no effect and never will. After
    /// anything else it may have taken effect, and may still.
    package var isRefusal: Bool {
        if serverCode == nil { return isBeforeSending }
        return meaning.write == .refused
    }

    /// Whether nothing had left this process when it arose.
    var isBeforeSending: Bool {
        switch code {
        case .noServer, .authenticationFailed, .invalidConfiguration, .invalidData, .serverTooOld: true
        case .tooLarge: serverCode == nil
        default: false
        }
    }

    // MARK: Transactions

    /// Whether nothing took effect and the same may well succeed now.
    package var canBeTriedAgain: Bool {
        guard code != .noServer else { return false }
        // The specification of transactions runs a whole one again by the server's label alone; a write conflict is a lost race, label or not.
        return labels.contains(.transientTransaction) || code == .writeConflict
    }

    /// Whether the commit alone may be sent again to learn how it ended: no answer came, or one that a server gives for a while.
    package var mayBeCommittedAgain: Bool {
        if serverCode == nil || labels.contains(.unknownCommitResult) { return true }
        return code == .network || code == .timedOut || code == .writeConcernFailed
    }

    /// Whether, as the answer to a commit, it says that nothing was committed and nothing will be.
    ///
    /// Only the server can know that: by the label `TransientTransactionError`, or by a code that it finds before it begins. After everything
    /// else the commit may have taken effect. A server withholds the label, for one, from a second attempt's `NoSuchTransaction` while the first
    /// primary may come back with the commit; and a router may answer a commit that it has sent on with the code of a lost connection.
    /// https://github.com/mongodb/specifications/blob/master/source/transactions/transactions.md
    package var isDefiniteAbort: Bool {
        // A statement failed before: the commit was not sent.
        if phase == .operation || phase == .start { return true }
        guard serverCode != nil, code != .writeConcernFailed, !labels.contains(.unknownCommitResult) else { return false }
        return labels.contains(.transientTransaction) || meaning.commit == .aborted
    }
}
