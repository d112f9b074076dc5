extension ServerErrorCode {
    /// What an answer with a code says, for each kind of request that can get it.
    package struct Meaning: Sendable, Hashable {
        package enum Read: Sendable {
            /// The same read fails again.
            case final
            /// The same read may well succeed now.
            case again
            /// The server ended the cursor, as it does when the collection is dropped, renamed or swapped: a new one reads on.
            case cursorKilled
            /// A change stream cannot continue from the place that it was asked for, now or ever.
            case placeLost
        }

        package enum Write: Sendable {
            /// The document or statement took no effect, and never will by this request.
            case refused
            /// It may have taken effect, and may still.
            case unknown
        }

        package enum Statement: Sendable {
            /// The transaction has ended without effect, and a new one fails likewise.
            case final
            /// The transaction has ended without effect, and a new one may well succeed now.
            case transient
        }

        package enum Commit: Sendable {
            /// Nothing was committed, and nothing will be.
            case aborted
            /// It may have committed, and may still.
            case unknown
        }

        package var read: Read
        /// Outside a transaction.
        package var write: Write
        /// Inside a transaction, before its commit.
        package var statement: Statement
        /// As the answer to a commit that has no label. The label `TransientTransactionError` makes each of them an abort after which the whole
        /// transaction may run again; the server alone knows that, so no number stands for it.
        package var commit: Commit

        /// Of a number that is not in the table nothing is known: what was sent may have taken effect.
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

    /// What a caller switches on.
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

    /// Codes that mean the same.
    private enum Group {
        /// Found before anything is begun, a commit included.
        case refusedCommand
        /// A verdict on the statement or the document: a server gives it after it has looked, and a router only hands it on.
        case refusedStatement
        /// Elections, shutdowns, routing, overload. What the request did before, the server does not say.
        case passing
        /// A time limit or a rival. Outside a transaction a server tries again by itself after a write conflict, so one that is reported says
        /// nothing of the documents before it. After a commit to another primary, `NoSuchTransaction` alone does not say that nothing was
        /// committed.
        case contention
        /// It took effect on the primary, which may still lose it.
        case writeConcern
        case killedCursor
        /// A code whose meaning no documentation states.
        case undocumented
        /// The oplog rolled over while it was read. Opening the change stream again says whether its place is lost.
        case rolledOver
        /// https://www.mongodb.com/docs/manual/changeStreams/#resume-a-change-stream
        case lostPlace
    }

    /// The table.
    ///
    /// Sources: src/mongo/base/error_codes.yml for the categories; `isTransientTransactionError` of src/mongo/db/error_labels.cpp for
    /// transactions; `handleError` of src/mongo/db/ops/write_ops_exec.cpp for the errors that are of one document (all but interruptions);
    /// `BatchWriteOp::noteBatchError` of src/mongo/s/write_ops/batch_write_op.cpp, by which a router copies what became of a request to a shard
    /// into an error of each document that was in it; and the specifications of retryable reads, retryable writes, transactions and change
    /// streams, https://github.com/mongodb/specifications.
    private var group: Group {
        switch self {
        case .unauthorized, .authenticationFailed, .illegalOperation, .commandNotFound, .invalidOptions,
            .operationNotSupportedInTransaction, .duplicateField, .missingField, .unknownField:
            .refusedCommand

        case .badValue, .failedToParse, .typeMismatch, .namespaceNotFound, .indexNotFound, .conflictingUpdateOperators,
            .namespaceExists, .immutableField, .cannotCreateIndex, .invalidNamespace, .indexOptionsConflict,
            .indexKeySpecsConflict, .commandNotSupported, .commandNotSupportedOnView, .collectionUUIDMismatch,
            .userWritesBlocked, .roleExists,
            .invalidBSON, .pathNotViable, .cannotBackfillArray, .dollarPrefixedFieldName, .invalidIDField, .notSingleValueField,
            .invalidDBRef, .emptyFieldName, .dottedFieldName, .shardKeyNotFound, .documentValidationFailure,
            .cannotIndexParallelArrays, .transactionTooLarge, .nonConformantBSON, .transactionTooLargeForCache,
            .cannotGrowCappedDocument, .objectTooLarge, .duplicateKey, .duplicateKeyOnUpdate, .duplicateKeyInCapped,
            .outOfDiskSpace, .cannotExtractGeoKeys, .keyTooLong, .updateTooLarge:
            .refusedStatement

        case .hostUnreachable, .hostNotFound, .lockTimeout, .staleShardVersion, .remoteResultsUnavailable, .networkTimeout,
            .callbackCanceled,
            .shutdownInProgress, .failedToSatisfyReadPreference, .readConcernMajorityNotAvailableYet, .pooledConnectionsDropped,
            .staleEpoch, .primarySteppedDown, .networkInterfaceExceededTimeLimit, .snapshotTooOld, .snapshotUnavailable,
            .staleDBVersion, .staleChunkHistory, .exceededTimeLimit, .preparedTransactionInProgress, .migrationConflict,
            .clientDisconnect, .shardCannotRefresh, .temporarilyUnavailable, .resourceExhausted, .pooledConnectionTimeLimit,
            .admissionQueueOverflow, .rateLimitExceeded, .pooledConnectionRejected, .interruptedByResharding,
            .ingressRateLimitExceeded, .socketException, .legacyNotPrimary, .notWritablePrimary, .interruptedAtShutdown,
            .interrupted, .interruptedByReplicaStateChange, .staleConfig, .notPrimaryNoSecondaryOk, .notPrimaryOrSecondary,
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
