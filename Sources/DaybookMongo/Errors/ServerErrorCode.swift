/// The error codes of MongoDB that Daybook knows, by the server's names. ``Meaning-swift.struct`` states what each
/// means; no other file interprets a server's number.
///
/// Source of names and numbers, and of the groups "Retriable", "NotPrimary", "Network", "Snapshot" and "Interruption":
/// https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml. Numbers over 10,000 that are not in
/// that file belong to single assertions in the server's source, which are stable as well.
package enum ServerErrorCode: Int32, CaseIterable, Sendable {
    // MARK: The server refuses the command, before it does any of it

    case badValue = 2
    case failedToParse = 9
    case unauthorized = 13
    case typeMismatch = 14
    case authenticationFailed = 18
    /// For example a transaction on a standalone server.
    case illegalOperation = 20
    case namespaceNotFound = 26
    case indexNotFound = 27
    case conflictingUpdateOperators = 40
    case namespaceExists = 48
    case commandNotFound = 59
    case immutableField = 66
    case cannotCreateIndex = 67
    case invalidOptions = 72
    case invalidNamespace = 73
    case indexOptionsConflict = 85
    case indexKeySpecsConflict = 86
    /// The command is known but disabled: the feature compatibility version is an older one.
    case commandNotSupported = 115
    case commandNotSupportedOnView = 166
    case operationNotSupportedInTransaction = 263
    case collectionUUIDMismatch = 361
    /// Writes are blocked by `setUserWriteBlockMode`, as while two clusters are synchronized.
    case userWritesBlocked = 371
    /// Atlas itself refuses: the user lacks a permission, or the tier lacks a feature. MongoDB's server documentation
    /// does not list it; reports of drivers and users show it where MongoDB replies `Unauthorized`.
    case atlas = 8000
    case duplicateField = 40413
    case missingField = 40414
    case unknownField = 40415
    /// `createRole`, src/mongo/db/commands/user_management_commands.cpp: "Role ... already exists".
    case roleExists = 51002

    // MARK: The server refuses one document or statement

    case invalidBSON = 22
    case pathNotViable = 28
    case cannotBackfillArray = 34
    case dollarPrefixedFieldName = 52
    case invalidIDField = 53
    case notSingleValueField = 54
    case invalidDBRef = 55
    case emptyFieldName = 56
    case dottedFieldName = 57
    case shardKeyNotFound = 61
    case documentValidationFailure = 121
    case cannotIndexParallelArrays = 171
    case transactionTooLarge = 257
    case nonConformantBSON = 378
    case transactionTooLargeForCache = 388
    case cannotGrowCappedDocument = 10003
    case objectTooLarge = 10334
    case duplicateKey = 11000
    /// A duplicate key of an update before MongoDB 3; some proxies still send it.
    case duplicateKeyOnUpdate = 11001
    case duplicateKeyInCapped = 12582
    case outOfDiskSpace = 14031
    /// "Can't extract geo keys", of a 2dsphere index, src/mongo/db/index/expression_keys_private.cpp.
    case cannotExtractGeoKeys = 16755
    case keyTooLong = 17280
    /// "Resulting document after update is larger than", src/mongo/db/update.
    case updateTooLarge = 17419

    // MARK: The server, or the way to it, cannot go on with it now

    case hostUnreachable = 6
    case hostNotFound = 7
    case lockTimeout = 24
    case staleShardVersion = 63
    case remoteResultsUnavailable = 83
    case networkTimeout = 89
    case callbackCanceled = 90
    case shutdownInProgress = 91
    /// A router found no primary: its shard is in an election.
    case failedToSatisfyReadPreference = 133
    case readConcernMajorityNotAvailableYet = 134
    case pooledConnectionsDropped = 145
    case staleEpoch = 150
    case primarySteppedDown = 189
    case networkInterfaceExceededTimeLimit = 202
    case snapshotTooOld = 239
    case snapshotUnavailable = 246
    case staleDBVersion = 249
    case staleChunkHistory = 250
    case exceededTimeLimit = 262
    case preparedTransactionInProgress = 267
    case migrationConflict = 272
    case clientDisconnect = 279
    case shardCannotRefresh = 343
    /// Since MongoDB 6.0: the storage engine is under pressure.
    case temporarilyUnavailable = 365
    case resourceExhausted = 402
    case pooledConnectionTimeLimit = 407
    case admissionQueueOverflow = 433
    case rateLimitExceeded = 449
    case pooledConnectionRejected = 450
    case interruptedByResharding = 453
    case ingressRateLimitExceeded = 462
    case socketException = 9001
    case legacyNotPrimary = 10058
    case notWritablePrimary = 10107
    case interruptedAtShutdown = 11600
    case interrupted = 11601
    case interruptedByReplicaStateChange = 11602
    case staleConfig = 13388
    case notPrimaryNoSecondaryOk = 13435
    case notPrimaryOrSecondary = 13436
    case retriableRemoteFailure = 91331
    case interruptedByVersionChange = 10_045_600

    // MARK: Time limits and rivals

    case maximumTimeExpired = 50
    case writeConflict = 112
    case noSuchTransaction = 251
    case transactionExceededLifetime = 290

    // MARK: The write concern was not met

    case writeConcernTimeout = 64
    case unknownWriteConcern = 79
    case unsatisfiableWriteConcern = 100

    // MARK: Cursors and change streams

    case cursorNotFound = 43
    case cappedPositionLost = 136
    case queryPlanKilled = 175
    case closeChangeStream = 222
    case cursorKilled = 237
    case invalidResumeToken = 260
    case changeStreamFatalError = 280
    case changeStreamHistoryLost = 286
}
