"""The documents inside commands that MongoDB 5.0 to 8.0 take, and the stages of pipelines.

accepted_commands.py says where the facts come from.
"""

from .forms import Form, Stage

DOCUMENTS = (
    Form(
        "update statement",
        fields={
            "5.0": "q u c arrayFilters hint multi upsert upsertSupplied collation",
            "7.0": "sampleId $_allowShardKeyUpdatesWithoutFullShardKeyInQuery",
            "8.0": "sort",
        },
        needs="q u",
        holds={"collation": ("collation",)},
    ),
    Form(
        "delete statement",
        fields={
            "5.0": "q limit hint collation",
            "7.0": "sampleId",
        },
        needs="q limit",
        holds={"collation": ("collation",)},
    ),
    Form("bulkWrite insert op", fields={"8.0": "insert document"}, needs="insert document"),
    Form(
        "bulkWrite update op",
        fields={
            "8.0": (
                "update filter multi updateMods upsert upsertSupplied arrayFilters hint constants collation sort "
                "sampleId $_allowShardKeyUpdatesWithoutFullShardKeyInQuery"
            ),
        },
        needs="update filter updateMods",
        holds={"collation": ("collation",)},
    ),
    Form(
        "bulkWrite delete op",
        fields={
            "8.0": "delete filter multi hint collation sampleId",
        },
        needs="delete filter",
        holds={"collation": ("collation",)},
    ),
    Form(
        "bulkWrite nsInfo",
        fields={
            "8.0": "ns collectionUUID encryptionInformation isTimeseriesNamespace shardVersion databaseVersion",
        },
        needs="ns",
    ),
    Form(
        "index specification",
        unknown="unknown index option",
        missing="missing index option",
        fields={
            "5.0": (
                "key name v ns background unique hidden partialFilterExpression sparse expireAfterSeconds "
                "storageEngine weights default_language language_override textIndexVersion 2dsphereIndexVersion "
                "bits min max bucketSize collation wildcardProjection coarsestIndexedLevel finestIndexedLevel "
                "dropDups _id"
            ),
            "6.0": "clustered prepareUnique",
            "7.0": "columnstoreProjection",
            "8.0": "originalSpec -columnstoreProjection",
        },
        needs="key name",
        holds={"collation": ("collation",)},
    ),
    Form(
        "collMod index",
        fields={
            "5.0": "name keyPattern expireAfterSeconds hidden",
            "6.0": "unique prepareUnique",
            "7.0": "forceNonUnique",
        },
    ),
    Form(
        "timeseries",
        fields={
            "5.0": "timeField metaField granularity bucketMaxSpanSeconds expireAfterSeconds",
            "7.0": "bucketRoundingSeconds",
        },
        needs="timeField",
    ),
    Form(
        "$changeStream",
        fields={
            "5.0": (
                "resumeAfter startAfter startAtOperationTime fullDocument fullDocumentBeforeChange "
                "allChangesForCluster showMigrationEvents allowToRunOnConfigDB allowToRunOnSystemNS"
            ),
            "6.0": "showExpandedEvents showSystemEvents showRawUpdateDescription",
        },
    ),
    Form(
        "$sample",
        fields={"5.0": "size"},
        needs="size",
        unknown="unknown option of $sample",
        missing="$sample without size",
    ),
    Form("cursor option", fields={"5.0": "batchSize"}),
    Form(
        "collation",
        fields={
            "5.0": (
                "locale caseLevel caseFirst strength numericOrdering alternate maxVariable normalization backwards "
                "version"
            ),
        },
        needs="locale",
    ),
    Form("writeConcern", fields={"5.0": "w j wtimeout fsync wElectionId wOpTime getLastError provenance"}),
    Form(
        "readConcern",
        unknown="unknown option of readConcern",
        fields={
            "5.0": "level afterClusterTime atClusterTime afterOpTime allowTransactionTableSnapshot provenance",
        },
    ),
    Form("lsid", fields={"5.0": "id uid"}, needs="id"),
)

STAGES = (
    *(
        Stage(name)
        for name in (
            "$addFields $bucket $bucketAuto $count $facet $graphLookup $group $limit $lookup $match $project "
            "$redact $replaceRoot $replaceWith $sample $set $setWindowFields $skip $sort $sortByCount $unset "
            "$unwind"
        ).split()
    ),
    Stage("$unionWith", is_in_transactions=False),
    Stage("$geoNear", is_first=True),
    *(
        Stage(name, is_first=True, is_in_transactions=False)
        for name in (
            "$changeStream $collStats $currentOp $indexStats $listLocalSessions $listSessions $planCacheStats "
            "$listCachedAndActiveUsers $operationMetrics"
        ).split()
    ),
    Stage("$out", is_last=True, is_in_transactions=False),
    Stage("$merge", is_last=True, is_in_transactions=False),
    Stage("$densify", since="6.0"),
    Stage("$fill", since="6.0"),
    Stage("$documents", since="6.0", is_first=True),
    Stage("$changeStreamSplitLargeEvent", since="7.0", is_last=True, is_in_transactions=False),
    *(
        Stage(name, since="7.0", is_first=True, is_in_transactions=False)
        for name in ("$listSampledQueries", "$listSearchIndexes", "$queryStats")
    ),
    Stage("$querySettings", since="8.0", is_first=True, is_in_transactions=False),
)
