/// What went wrong between this process and the server, in terms a caller can switch on.
///
/// The description names the operation and its namespace, never a document's content: where the server's own text would show one (a
/// duplicate key's value, a document that failed validation), the sentence is ours.
package struct MongoError: Error, Sendable {
    package enum Code: String, Sendable {
        /// The URI or an option in it cannot be used. Nothing was sent.
        case invalidConfiguration
        /// No server that suits was found in `serverSelectionTimeoutMS`. Nothing was sent.
        case noServer
        /// The server is older than MongoDB 5.0.
        case serverTooOld
        /// A standalone server was asked for a transaction.
        case transactionsUnsupported
        /// The user or password is wrong.
        case authenticationFailed
        /// The user may not do this.
        case unauthorized
        /// The connection broke, or the server could not go on with it: an election, a shutdown, a lost shard, too much load. Whether what was
        /// sent took effect is not known.
        case network
        /// No connection was free in time. Nothing was sent.
        case poolExhausted
        /// The client was closed. Nothing was sent.
        case closed
        /// A unique index refused a document; see ``MongoError/keyPattern``.
        case duplicateKey
        /// Another transaction has written the same document.
        case writeConflict
        /// A collection's validator refused a document.
        case validationFailed
        /// A document or a command is larger than the server takes.
        case tooLarge
        /// The server ended the operation because of its time limit. It may have taken effect.
        case timedOut
        /// It took effect on the primary, but too few other members have said so in time.
        case writeConcernFailed
        /// A change stream cannot continue from its place, now or ever; see ``MongoError/isPlaceLost``.
        case placeLost
        /// Bytes that are not BSON, or a reply without what it must have.
        case invalidData
        /// Anything else the server reported; see ``MongoError/serverCode``.
        case server
    }

    /// Labels of the transactions specification, by which a caller decides what may be tried again.
    package struct Labels: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        /// The whole transaction may be run again: nothing of it took effect.
        package static let transientTransaction = Labels(rawValue: 1)
        /// It is not known whether the commit took effect; the commit alone may be sent again.
        package static let unknownCommitResult = Labels(rawValue: 2)
        package static let retryableWrite = Labels(rawValue: 4)
        /// A change stream cannot be resumed from its place.
        package static let nonResumableChangeStream = Labels(rawValue: 8)
    }

    /// How far a transaction had come.
    package enum TransactionPhase: String, Sendable {
        /// Nothing was sent.
        case start
        /// One of its operations failed; nothing of it will take effect.
        case operation
        /// Its commit failed; the labels tell whether it may have taken effect.
        case commit
    }

    package var code: Code
    /// One sentence for people.
    package var message: String
    /// The server's own words, which may quote a document or a filter: for whoever may see those, and not part of the description.
    package var serverText: String?
    /// The server's number for it, where the server said it.
    package var serverCode: Int32?
    package var labels: Labels = []
    /// The fields of the unique index that refused, in its order; empty when the server did not say.
    package var keyPattern: [String] = []
    /// The place in its batch of the document that was refused.
    package var index: Int?
    /// What was being done: `insert`, `find`, `commitTransaction` ...
    package var operation: String?
    /// `database.collection`
    package var namespace: String?

    /// Where in a transaction it arose; nil outside one.
    package var phase: TransactionPhase?

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension MongoError: CustomStringConvertible {
    package var description: String {
        var text = ""
        if let operation {
            text += operation
            if let namespace { text += " on \(namespace)" }
            text += ": "
        }
        text += message
        if let serverCode { text += " (server code \(serverCode))" }
        return text
    }
}

extension MongoError {
    static let closed = MongoError(.closed, "the client was closed")

    static let serverTooOld = MongoError(
        .serverTooOld, "the server is older than MongoDB 5.0, the oldest that Daybook works with")

    static func poolExhausted(kind: String, connections: Int, timeout: Duration) -> MongoError {
        MongoError(
            .poolExhausted,
            "no connection became free for a \(kind) in \(timeout): all that it may use of \(connections) are busy. "
                + "Raise maxPoolSize in the URI, or hold cursors and transactions for less time."
        )
    }
}
