"""The commands that MongoDB 5.0 to 8.0 take, with their fields: all that Daybook, its driver and scripts send.

The facts come from the server's sources (mongodb/mongo on GitHub) and from its manual. Those of 5.0 are from the whole
tree of 2021-05-12, those of 8.0 from newer .idl files. 6.0 and 7.0 lie between: the first version of a field that came
after 5.0 may be one release off. A command that is not here is not checked.
"""

from .forms import ANY_LEVEL, TRANSACTION_LEVELS, Command, Form

# May stand in any command.
GENERIC = Form(
    "",
    fields={
        "5.0": (
            "apiVersion apiStrict apiDeprecationErrors $db maxTimeMS readConcern writeConcern lsid "
            "clientOperationKey txnNumber autocommit startTransaction stmtId comment $readPreference $clusterTime "
            "$audit $client $configServerState allowImplicitCollectionCreation $oplogQueryData $queryOptions "
            "$replData databaseVersion shardVersion tracking_info coordinator maxTimeMSOpOnly $configTime "
            "$topologyTime"
        ),
        "6.0": "txnRetryCounter mayBypassWriteBlocking",
        "7.0": "$tenant expectPrefix",
    },
)

COMMANDS = (
    Command("hello isMaster ismaster", is_lenient=True),
    Command("ping"),
    Command("buildInfo buildinfo", is_lenient=True),
    Command("serverStatus", is_lenient=True),
    Command("connectionStatus", fields={"5.0": "showPrivileges"}, strict_since="7.0"),
    Command("getParameter", is_lenient=True, is_for_admin=True),
    Command("setParameter", is_lenient=True, is_for_admin=True),
    Command(
        "insert",
        fields={
            "5.0": "documents bypassDocumentValidation ordered stmtId stmtIds",
            "6.0": "isTimeseriesNamespace collectionUUID encryptionInformation",
            "7.0": "$_originalQuery $_originalCollation",
            "8.0": "bypassEmptyTsReplacement",
        },
        needs="documents",
        takes_write_concern=True,
        is_retryable=True,
        begins=TRANSACTION_LEVELS,
    ),
    Command(
        "update",
        fields={
            "5.0": "updates let runtimeConstants bypassDocumentValidation ordered stmtId stmtIds",
            "6.0": "isTimeseriesNamespace collectionUUID encryptionInformation",
            "7.0": "$_originalQuery $_originalCollation",
            "8.0": "bypassEmptyTsReplacement",
        },
        needs="updates",
        holds={"updates": ("update statement",)},
        takes_write_concern=True,
        is_retryable=True,
        begins=TRANSACTION_LEVELS,
    ),
    Command(
        "delete",
        fields={
            "5.0": "deletes let runtimeConstants bypassDocumentValidation ordered stmtId stmtIds",
            "6.0": "isTimeseriesNamespace collectionUUID encryptionInformation",
            "7.0": "$_originalQuery $_originalCollation",
            "8.0": "bypassEmptyTsReplacement",
        },
        needs="deletes",
        holds={"deletes": ("delete statement",)},
        takes_write_concern=True,
        is_retryable=True,
        begins=TRANSACTION_LEVELS,
    ),
    Command(
        "bulkWrite",
        fields={
            "8.0": (
                "ops nsInfo cursor bypassDocumentValidation ordered stmtId stmtIds let errorsOnly "
                "bypassEmptyTsReplacement"
            ),
        },
        needs="ops nsInfo",
        holds={
            "ops": ("bulkWrite insert op", "bulkWrite update op", "bulkWrite delete op"),
            "nsInfo": ("bulkWrite nsInfo",),
            "cursor": ("cursor option",),
        },
        since="8.0",
        is_for_admin=True,
        takes_write_concern=True,
        is_retryable=True,
        begins=TRANSACTION_LEVELS,
    ),
    Command(
        "find",
        fields={
            "5.0": (
                "filter projection sort hint collation skip limit batchSize singleBatch allowDiskUse min max "
                "returnKey showRecordId $queryOptions tailable oplogReplay noCursorTimeout awaitData "
                "allowPartialResults let options ntoreturn term readOnce allowSpeculativeMajorityRead "
                "$_requestResumeToken $_resumeAfter maxTimeMS readConcern runtimeConstants"
            ),
            "6.0": "collectionUUID encryptionInformation",
            "7.0": "mirrored -options -ntoreturn",
            "8.0": "querySettings includeQueryStatsMetrics $_startAt",
        },
        parsed_as="FindCommandRequest",
        parsed_first_since="8.0",
        reads=ANY_LEVEL,
        begins=TRANSACTION_LEVELS,
    ),
    Command(
        "getMore",
        fields={
            "5.0": "collection batchSize maxTimeMS term lastKnownCommittedOpTime",
            "8.0": "includeQueryStatsMetrics",
        },
        needs="collection",
        reads=ANY_LEVEL,
        begins=TRANSACTION_LEVELS,
    ),
    Command("killCursors", fields={"5.0": "cursors"}, needs="cursors", begins=TRANSACTION_LEVELS),
    Command(
        "aggregate",
        fields={
            "5.0": (
                "pipeline explain allowDiskUse cursor maxTimeMS bypassDocumentValidation readConcern collation hint "
                "writeConcern let needsMerge fromMongos $queryOptions $_requestReshardingResumeToken exchange "
                "runtimeConstants isMapReduceCommand collectionUUID"
            ),
            "6.0": "encryptionInformation $_passthroughToShard $_generateV2ResumeTokens",
            "7.0": "$_externalDataSources sampleId $_isClusterQueryWithoutShardKeyCmd",
            "8.0": "$_requestResumeToken $_resumeAfter querySettings includeQueryStatsMetrics fromRouter",
        },
        needs="pipeline",
        holds={"cursor": ("cursor option",), "collation": ("collation",)},
        takes_write_concern=True,
        reads=ANY_LEVEL,
        begins=TRANSACTION_LEVELS,
    ),
    Command(
        "count",
        fields={
            "5.0": "query limit skip hint collation fields readConcern maxTimeMS $queryOptions",
            "6.0": "encryptionInformation",
            "7.0": "mirrored",
        },
        holds={"collation": ("collation",)},
        reads="local available majority linearizable",
    ),
    Command(
        "distinct",
        fields={
            "5.0": "key query collation",
            "7.0": "mirrored",
            "8.0": "hint",
        },
        needs="key",
        holds={"collation": ("collation",)},
        reads=ANY_LEVEL,
        begins=TRANSACTION_LEVELS,
    ),
    Command("explain", fields={"5.0": "verbosity collation", "8.0": "-collation"}),
    Command(
        "findAndModify findandmodify",
        fields={
            "5.0": (
                "query fields sort batchSize singleBatch hint collation arrayFilters remove update upsert new "
                "bypassDocumentValidation let runtimeConstants writeConcern"
            ),
            "6.0": "encryptionInformation",
            "7.0": (
                "sampleId $_originalQuery $_originalCollation $_allowShardKeyUpdatesWithoutFullShardKeyInQuery "
                "isTimeseriesNamespace"
            ),
            "8.0": "bypassEmptyTsReplacement",
        },
        holds={"collation": ("collation",)},
        takes_write_concern=True,
        is_retryable=True,
        begins=TRANSACTION_LEVELS,
    ),
    Command(
        "createIndexes",
        fields={
            "5.0": "v indexes ignoreUnknownIndexOptions commitQuorum",
            "6.0": "isTimeseriesNamespace collectionUUID",
        },
        needs="indexes",
        holds_when_run={"indexes": ("index specification",)},
        takes_write_concern=True,
        begins="local",
    ),
    Command(
        "listIndexes",
        fields={
            "5.0": "cursor includeBuildUUIDs",
            "6.0": "isTimeseriesNamespace",
            "8.0": "includeIndexBuildInfo",
        },
        holds={"cursor": ("cursor option",)},
    ),
    Command(
        "dropIndexes deleteIndexes",
        fields={
            "5.0": "index",
            "6.0": "isTimeseriesNamespace collectionUUID",
        },
        needs="index",
        takes_write_concern=True,
    ),
    Command(
        "create",
        fields={
            "5.0": (
                "capped autoIndexId idIndex size max storageEngine validator validationLevel validationAction "
                "indexOptionDefaults viewOn pipeline collation recordPreImages timeseries clusteredIndex temp flags "
                "expireAfterSeconds"
            ),
            "6.0": "changeStreamPreAndPostImages encryptedFields",
            "8.0": "recordIdsReplicated",
        },
        holds={"collation": ("collation",), "timeseries": ("timeseries",)},
        takes_write_concern=True,
        begins="local",
    ),
    Command(
        "collMod",
        fields={
            "5.0": (
                "index validator validationLevel validationAction viewOn pipeline recordPreImages "
                "expireAfterSeconds timeseries"
            ),
            "6.0": "changeStreamPreAndPostImages cappedSize cappedMax dryRun isTimeseriesNamespace collectionUUID",
        },
        holds={"index": ("collMod index",)},
        takes_write_concern=True,
    ),
    Command(
        "listCollections",
        fields={
            "5.0": "cursor filter nameOnly authorizedCollections includePendingDrops",
        },
        holds={"cursor": ("cursor option",)},
    ),
    Command("listDatabases", fields={"5.0": "nameOnly authorizedDatabases filter"}, is_for_admin=True),
    Command(
        "renameCollection",
        fields={
            "5.0": "to dropTarget stayTemp",
            "6.0": "collectionUUID",
        },
        needs="to",
        is_for_admin=True,
        takes_write_concern=True,
    ),
    Command("drop", fields={"6.0": "collectionUUID"}, takes_write_concern=True),
    Command("dropDatabase", takes_write_concern=True),
    Command("collStats collstats", fields={"5.0": "scale verbose waitForLock"}, is_lenient=True),
    Command("dbStats dbstats", fields={"5.0": "scale", "6.0": "freeStorage"}, is_lenient=True),
    Command(
        "commitTransaction",
        fields={
            "5.0": "commitTimestamp recoveryToken",
        },
        is_for_admin=True,
        takes_write_concern=True,
        begins="",
    ),
    Command(
        "abortTransaction",
        fields={
            "5.0": "recoveryToken",
        },
        is_for_admin=True,
        takes_write_concern=True,
        begins="",
    ),
    Command("endSessions"),
    Command("refreshSessions"),
    Command("startSession", is_lenient=True),
    Command("killSessions", is_lenient=True),
    Command("killAllSessions", is_lenient=True),
    Command("saslStart", fields={"5.0": "mechanism autoAuthorize options payload"}, needs="mechanism payload"),
    Command("saslContinue", fields={"5.0": "conversationId payload"}, needs="conversationId payload"),
    Command(
        "createUser",
        fields={
            "5.0": "pwd customData roles digestPassword writeConcern authenticationRestrictions mechanisms",
        },
        needs="roles",
        takes_write_concern=True,
    ),
    Command(
        "updateUser",
        fields={
            "5.0": "pwd customData roles digestPassword writeConcern authenticationRestrictions mechanisms",
        },
        takes_write_concern=True,
    ),
    Command("dropUser", takes_write_concern=True),
    Command("grantRolesToUser", fields={"5.0": "roles"}, needs="roles", takes_write_concern=True),
    Command(
        "usersInfo",
        fields={
            "5.0": "showPrivileges showCredentials showAuthenticationRestrictions filter",
            "6.0": "showCustomData",
        },
    ),
    Command(
        "createRole",
        fields={
            "5.0": "privileges roles authenticationRestrictions",
        },
        needs="privileges roles",
        takes_write_concern=True,
    ),
    Command("updateRole", fields={"5.0": "privileges roles authenticationRestrictions"}, takes_write_concern=True),
    Command("dropRole", takes_write_concern=True),
    Command("rolesInfo", fields={"5.0": "showPrivileges showBuiltinRoles showAuthenticationRestrictions"}),
    Command("configureFailPoint", fields={"5.0": "mode data"}, is_lenient=True, is_for_admin=True),
    Command("replSetGetStatus", fields={"5.0": "initialSync"}, is_lenient=True, is_for_admin=True),
    Command("replSetGetConfig", fields={"5.0": "commitmentStatus"}, is_lenient=True, is_for_admin=True),
    Command("replSetInitiate", is_lenient=True, is_for_admin=True),
    Command("replSetReconfig", fields={"5.0": "force"}, is_lenient=True, is_for_admin=True),
    Command("currentOp", fields={"5.0": "$all $ownOps $truncateOps"}, is_lenient=True, is_for_admin=True),
    Command("killOp", fields={"5.0": "op"}, is_lenient=True, is_for_admin=True),
    Command(
        "shardCollection",
        fields={
            "5.0": "key unique numInitialChunks presplitHashedZones collation timeseries",
        },
        is_lenient=True,
        is_for_admin=True,
        takes_write_concern=True,
    ),
    Command("addShard", fields={"5.0": "name maxSize"}, is_lenient=True, is_for_admin=True, takes_write_concern=True),
    Command("addShardToZone", fields={"5.0": "zone"}, is_lenient=True, is_for_admin=True, takes_write_concern=True),
    Command(
        "updateZoneKeyRange",
        fields={
            "5.0": "min max zone",
        },
        is_lenient=True,
        is_for_admin=True,
        takes_write_concern=True,
    ),
    Command("listShards", is_lenient=True, is_for_admin=True),
)
