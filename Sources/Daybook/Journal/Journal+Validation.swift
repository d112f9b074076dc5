internal import DaybookBSON

extension Journal {
    /// What the journal lets in, as a MongoDB `$jsonSchema`: an event as this version of Daybook writes it, and nothing else.
    ///
    /// No level lets in fields that it does not name, so a misspelt one, or one that somebody adds by hand, is refused and not ignored.
    /// The price is an order of work: a version of Daybook whose events have a new field needs its validator first. That is one `collMod`,
    /// which `initialize` prints; writers of the old version do not notice it, because a later validator lets in what an earlier one did. Where
    /// it was forgotten, the new version's commits are refused as a whole. What users want to add beside an event goes into `meta.headers`,
    /// which has no fixed keys.
    ///
    /// A type that begins with `$` is one of Daybook's own, because no such name can be the case of an enum.
    static let validator = validator(version: ["bsonType": "long", "minimum": 1, "maximum": .int64(maximumVersion)])

    /// The validators of databases that an earlier version of Daybook made, and that are as good: nobody has to change them. They let in a
    /// version above ``maximumVersion``, which no load believes.
    static let earlierValidators = [validator(version: ["bsonType": "long", "minimum": 1])]

    /// The last version of an aggregate: the largest integer that a double holds exactly, and so a shell, and a reader of JSON. No aggregate
    /// ever gets there; what has a larger version was not put there by a commit, and might leave no room to add to it.
    package static let maximumVersion: Int64 = 1 << 53 - 1

    private static func validator(version: BSONValue) -> BSONDocument {
        [
            "$jsonSchema": [
                "bsonType": "object",
                "required": ["_id", "aggregateId", "version", "type", "schema", "data", "recordedAt", "commit", "meta"],
                "additionalProperties": false,
                "properties": [
                    "_id": ["bsonType": "binData"],
                    "aggregateId": ["bsonType": "string", "pattern": "^[a-z][a-z0-9-]*/."],
                    "version": version,
                    "type": [
                        "bsonType": "string", "minLength": 1,
                        "anyOf": [["pattern": "^[^$]"], ["enum": .array(reservedEventTypes.map { .string($0) })]],
                    ],
                    "schema": ["bsonType": "int", "minimum": 1],
                    "data": ["bsonType": "object"],
                    "recordedAt": ["bsonType": "date"],
                    "commit": [
                        "bsonType": "object",
                        "required": ["id", "index", "count"],
                        "additionalProperties": false,
                        "properties": [
                            "id": ["bsonType": "binData"],
                            "index": ["bsonType": "int", "minimum": 0],
                            "count": ["bsonType": "int", "minimum": 1],
                        ],
                    ],
                    "meta": [
                        "bsonType": "object",
                        "additionalProperties": false,
                        "properties": [
                            "commandId": ["bsonType": "string", "minLength": 1],
                            "commandName": ["bsonType": "string"],
                            "commandDigest": ["bsonType": "binData"],
                            "correlationId": ["bsonType": "string"],
                            "causationId": ["bsonType": "string"],
                            "actor": ["bsonType": "string"],
                            "headers": ["bsonType": "object", "additionalProperties": ["bsonType": "string"]],
                        ],
                    ],
                ],
            ]
        ]
    }

    /// The event types that Daybook itself writes: a correction of an aggregate's state.
    package static let reservedEventTypes = [Correction.eventType]

    /// What stands between a malformed event and the journal. `strict` and `error` are what MongoDB does unless told otherwise; they are
    /// stated, so that they can be read where the collection is described.
    static let validation: BSONDocument = [
        "validator": .document(validator), "validationLevel": "strict", "validationAction": "error",
    ]
}
