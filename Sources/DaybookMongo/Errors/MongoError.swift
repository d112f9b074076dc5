/// What went wrong between this process and the server, with a code for a `switch`.
///
/// The description names the operation and its namespace, never a document's content. Where the server's own text would
/// show some (a duplicate key's value, a document that failed validation), the sentence is ours.
package struct MongoError: Error, Sendable {
    package enum Code: String, Sendable {
        /// The URI or an option in it cannot be used. Nothing was sent.
        case invalidConfiguration
        /// No suitable server was found within `serverSelectionTimeoutMS`. Nothing was sent.
        case noServer
        /// The server is older than MongoDB 5.0.
        case serverTooOld
        /// A transaction was requested from a standalone server.
        case transactionsUnsupported
        /// The user or password is wrong.
        case authenticationFailed
        /// The user lacks the permission.
        case unauthorized
        /// The connection broke, or the server could not continue: an election, a shutdown, a lost shard, too much
        /// load. It is not known whether the request took effect.
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
        /// A document or a command exceeds the server's limit.
        case tooLarge
        /// The server ended the operation because of its time limit. It may have taken effect.
        case timedOut
        /// It took effect on the primary, but too few other members confirmed it in time.
        case writeConcernFailed
        /// A change stream can never continue from its token; see ``MongoError/isPlaceLost``.
        case placeLost
        /// Bytes that are not BSON, or a reply that lacks a required field.
        case invalidData
        /// Any other error that the server reported; see ``MongoError/serverCode``.
        case server
    }

    /// Labels of the transactions specification, which state what may be tried again.
    package struct Labels: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        /// The whole transaction may run again: nothing of it took effect.
        package static let transientTransaction = Labels(rawValue: 1)
        /// It is not known whether the commit took effect; the commit alone may be sent again.
        package static let unknownCommitResult = Labels(rawValue: 2)
        package static let retryableWrite = Labels(rawValue: 4)
        /// A change stream cannot be resumed from its token.
        package static let nonResumableChangeStream = Labels(rawValue: 8)
    }

    /// How far a transaction had got.
    package enum TransactionPhase: String, Sendable {
        /// Nothing was sent.
        case start
        /// One of its operations failed; nothing of it will take effect.
        case operation
        /// Its commit failed; the labels state whether it may have taken effect.
        case commit
    }

    package var code: Code
    /// One sentence for people.
    package var message: String
    /// The server's own text. It may quote a document or a filter, so it is not part of the description.
    package var serverText: String?
    /// The server's error number, where it sent one.
    package var serverCode: Int32?
    package var labels: Labels = []
    /// The fields of the unique index that refused, in its order; empty when the server did not name them.
    package var keyPattern: [String] = []
    /// The position of the refused document in its batch.
    package var index: Int?
    /// The operation that failed: `insert`, `find`, `commitTransaction` ...
    package var operation: String?
    /// `database.collection`
    package var namespace: String?

    /// The phase of the transaction in which it arose; nil outside one.
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
