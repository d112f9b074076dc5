extension ServerErrorCode {
    /// What an error code means, for each kind of request that may fail with it.
    package struct Meaning: Sendable, Hashable {
        package enum Read: Sendable {
            /// The same read fails again.
            case final
            /// The same read may succeed now.
            case again
            /// The server ended the cursor, as it does when the collection is dropped, renamed or swapped: a new cursor
            /// continues.
            case cursorKilled
            /// A change stream can never continue from the requested token.
            case placeLost
        }

        package enum Write: Sendable {
            /// The document or statement took no effect, and never will by this request.
            case refused
            /// It may have taken effect, or may still do so.
            case unknown
        }

        package enum Statement: Sendable {
            /// The transaction has ended without effect, and a new one fails the same way.
            case final
            /// The transaction has ended without effect, and a new one may succeed now.
            case transient
        }

        package enum Commit: Sendable {
            /// Nothing was committed, and nothing will be.
            case aborted
            /// It may have committed, or may still do so.
            case unknown
        }

        package var read: Read
        /// For a write outside a transaction.
        package var write: Write
        /// For a statement inside a transaction, before the commit.
        package var statement: Statement
        /// For a commit, when the reply has no label. With the label `TransientTransactionError` each code is an abort,
        /// after which the whole transaction may run again. Only the server can know that, so no code means it by
        /// itself.
        package var commit: Commit

        /// Nothing is known of a number that is not in the table: the request may have taken effect.
        package static let ofUnknownCode = Meaning(read: .final, write: .unknown, statement: .final, commit: .unknown)
    }

    package var meaning: Meaning {
        switch group {
        case .refusedCommand: Meaning(read: .final, write: .refused, statement: .final, commit: .aborted)
        case .refusedStatement: Meaning(read: .final, write: .refused, statement: .final, commit: .unknown)
        case .passing, .contention: Meaning(read: .again, write: .unknown, statement: .transient, commit: .unknown)
        case .writeConcern, .undocumented: .ofUnknownCode
        case .killedCursor: Meaning(read: .cursorKilled, write: .unknown, statement: .final, commit: .unknown)
        case .rolledOver: Meaning(read: .again, write: .unknown, statement: .final, commit: .unknown)
        case .lostPlace: Meaning(read: .placeLost, write: .unknown, statement: .final, commit: .unknown)
        }
    }

    /// The corresponding code for a caller's `switch`.
    package var code: MongoError.Code {
        switch self {
        case .duplicateKey, .duplicateKeyOnUpdate, .duplicateKeyInCapped: .duplicateKey
        case .writeConflict: .writeConflict
        case .documentValidationFailure: .validationFailed
        case .unauthorized: .unauthorized
        case .authenticationFailed: .authenticationFailed
        case .maximumTimeExpired, .transactionExceededLifetime: .timedOut
        case .writeConcernTimeout, .unknownWriteConcern, .unsatisfiableWriteConcern: .writeConcernFailed
        case .objectTooLarge, .keyTooLong, .updateTooLarge, .cannotGrowCappedDocument, .transactionTooLarge,
            .transactionTooLargeForCache:
            .tooLarge
        default:
            switch group {
            case .passing: .network
            case .lostPlace: .placeLost
            default: .server
            }
        }
    }

    /// Codes with the same meaning.
    private enum Group {
        /// The server refuses the command before it begins anything, including a commit.
        case refusedCommand
        /// A refusal of the statement or the document. The server has examined it; a router only forwards the refusal.
        case refusedStatement
        /// Elections, shutdowns, routing, overload. The server does not report what the request did before that.
        case passing
        /// A time limit or a rival. Outside a transaction the server itself retries after a write conflict, so a
        /// reported one says nothing about earlier documents. As a new primary's reply to a commit, `NoSuchTransaction`
        /// alone does not prove that nothing was committed.
        case contention
        /// It took effect on the primary, which may still roll it back.
        case writeConcern
        case killedCursor
        /// A code whose meaning no documentation states.
        case undocumented
        /// The oplog rolled over while it was read. Opening the change stream again shows whether its place is lost.
        case rolledOver
        /// https://www.mongodb.com/docs/manual/changeStreams/#resume-a-change-stream
        case lostPlace
    }

    /// The table.
    ///
    /// Sources: src/mongo/base/error_codes.yml for the categories; `isTransientTransactionError` of
    /// src/mongo/db/error_labels.cpp for transactions; `handleError` of src/mongo/db/ops/write_ops_exec.cpp for the
    /// errors that concern one document (all but interruptions); `BatchWriteOp::noteBatchError` of
    /// src/mongo/s/write_ops/batch_write_op.cpp, with which a router copies the outcome of a request to a shard into an
    /// error of each document in the request; and the specifications of retryable reads, retryable writes, transactions
    /// and change streams, https://github.com/mongodb/specifications.
    private var group: Group {
        switch self {
        case .unauthorized, .authenticationFailed, .illegalOperation, .commandNotFound, .invalidOptions,
            .operationNotSupportedInTransaction, .duplicateField, .missingField, .unknownField:
            .refusedCommand

        case .badValue, .failedToParse, .typeMismatch, .namespaceNotFound, .indexNotFound, .conflictingUpdateOperators,
            .namespaceExists, .immutableField, .cannotCreateIndex, .invalidNamespace, .indexOptionsConflict,
            .indexKeySpecsConflict, .commandNotSupported, .commandNotSupportedOnView, .collectionUUIDMismatch,
            .userWritesBlocked, .roleExists,
            .invalidBSON, .pathNotViable, .cannotBackfillArray, .dollarPrefixedFieldName, .invalidIDField,
            .notSingleValueField,
            .invalidDBRef, .emptyFieldName, .dottedFieldName, .shardKeyNotFound, .documentValidationFailure,
            .cannotIndexParallelArrays, .transactionTooLarge, .nonConformantBSON, .transactionTooLargeForCache,
            .cannotGrowCappedDocument, .objectTooLarge, .duplicateKey, .duplicateKeyOnUpdate, .duplicateKeyInCapped,
            .outOfDiskSpace, .cannotExtractGeoKeys, .keyTooLong, .updateTooLarge:
            .refusedStatement

        case .hostUnreachable, .hostNotFound, .lockTimeout, .staleShardVersion, .remoteResultsUnavailable,
            .networkTimeout,
            .callbackCanceled,
            .shutdownInProgress, .failedToSatisfyReadPreference, .readConcernMajorityNotAvailableYet,
            .pooledConnectionsDropped,
            .staleEpoch, .primarySteppedDown, .networkInterfaceExceededTimeLimit, .snapshotTooOld, .snapshotUnavailable,
            .staleDBVersion, .staleChunkHistory, .exceededTimeLimit, .preparedTransactionInProgress, .migrationConflict,
            .clientDisconnect, .shardCannotRefresh, .temporarilyUnavailable, .resourceExhausted,
            .pooledConnectionTimeLimit,
            .admissionQueueOverflow, .rateLimitExceeded, .pooledConnectionRejected, .interruptedByResharding,
            .ingressRateLimitExceeded, .socketException, .legacyNotPrimary, .notWritablePrimary, .interruptedAtShutdown,
            .interrupted, .interruptedByReplicaStateChange, .staleConfig, .notPrimaryNoSecondaryOk,
            .notPrimaryOrSecondary,
            .retriableRemoteFailure, .interruptedByVersionChange:
            .passing

        case .maximumTimeExpired, .writeConflict, .noSuchTransaction, .transactionExceededLifetime:
            .contention

        case .writeConcernTimeout, .unknownWriteConcern, .unsatisfiableWriteConcern: .writeConcern

        case .cursorNotFound, .queryPlanKilled, .cursorKilled: .killedCursor

        case .atlas: .undocumented

        case .cappedPositionLost: .rolledOver

        case .closeChangeStream, .invalidResumeToken, .changeStreamFatalError, .changeStreamHistoryLost: .lostPlace
        }
    }
}
