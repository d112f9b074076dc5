internal import DaybookBSON
internal import DaybookMongo

/// The indexes of the journal, and no others by default.
enum JournalIndex: String, CaseIterable, Sendable {
    /// Optimistic concurrency, reads of one aggregate, scans of one type, ranges for parallel work.
    case versions = "index of versions"
    /// A command takes effect once on an aggregate.
    case commands = "index of command ids"

    var model: IndexModel {
        switch self {
        case .versions:
            IndexModel(name: "aggregateId_version", keys: [("aggregateId", 1), ("version", 1)], isUnique: true)
        case .commands:
            IndexModel(
                name: "aggregateId_commandId", keys: [("aggregateId", 1), ("meta.commandId", 1)], isUnique: true,
                partialFilter: ["meta.commandId": ["$exists": true]])
        }
    }
}

extension DaybookStore {
    /// Prepares the database: the journal with its validator and unique indexes, and each aggregate's snapshot collection with the
    /// indexes that its fields declare.
    ///
    /// What is there already is left as it is, so it may run at every start and in many processes at once.
    ///
    /// - Throws: ``DaybookError``, with the server's reason when an index of the same name or key but of another kind is in the way.
    public func initialize(_ aggregates: any Aggregate.Type...) async throws {
        try await initialize(aggregates)
    }

    /// See ``initialize(_:)-(Aggregate.Type...)``.
    public func initialize(_ aggregates: [any Aggregate.Type]) async throws {
        let (database, journal) = (database, journal)
        try await telemetry.perform("initialize") {
            try await client.withConnection(.single) { connection in
                try connection.requireTransactions()
                try Self.create(journal.namespace, validator: Journal.validator, on: connection)
                try connection.createIndexes(JournalIndex.allCases.map(\.model), in: journal.namespace)
                for aggregate in aggregates {
                    let namespace = Namespace(database: database, collection: aggregate.snapshotCollection)
                    try Self.create(namespace, validator: nil, on: connection)
                    try connection.createIndexes(aggregate.indexes, in: namespace)
                }
            }
        }
    }

    private static func create(_ namespace: Namespace, validator: BSONDocument?, on connection: isolated MongoConnection) throws {
        var command: BSONDocument = ["create": .string(namespace.collection)]
        if let validator { command = ["create": .string(namespace.collection), "validator": .document(validator)] }
        do {
            _ = try connection.write(command, database: namespace.database)
        } catch {
            guard error.serverCode == 48 /* NamespaceExists */ else { throw error }
        }
    }
}

extension Aggregate {
    /// The indexes that its fields declare.
    static var indexes: [IndexModel] {
        fields.filter(\.isIndexed).map { IndexModel(name: "\($0.path)_1", keys: [($0.path, 1)]) }
    }
}

extension Journal {
    /// What the journal lets in, as a MongoDB `$jsonSchema`.
    static let validator: BSONDocument = [
        "$jsonSchema": [
            "bsonType": "object",
            "required": ["_id", "aggregateId", "version", "type", "schema", "data", "recordedAt", "commit", "meta"],
            "additionalProperties": false,
            "properties": [
                "_id": ["bsonType": "binData"],
                "aggregateId": ["bsonType": "string", "pattern": "^[a-z][a-z0-9-]*/."],
                "version": ["bsonType": "long", "minimum": 1],
                "type": ["bsonType": "string", "minLength": 1],
                "schema": ["bsonType": "int", "minimum": 1],
                "data": ["bsonType": "object"],
                "recordedAt": ["bsonType": "date"],
                "commit": [
                    "bsonType": "object",
                    "required": ["id", "index", "count"],
                    "properties": [
                        "id": ["bsonType": "binData"],
                        "index": ["bsonType": "int", "minimum": 0],
                        "count": ["bsonType": "int", "minimum": 1],
                    ],
                ],
                "meta": ["bsonType": "object", "properties": ["commandId": ["bsonType": "string", "minLength": 1]]],
            ],
        ]
    ]
}
