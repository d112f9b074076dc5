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
        let properties = EventField.allCases.map { ($0.name, rule(for: $0, version: version)) }
        return [
            "$jsonSchema": [
                "bsonType": "object",
                "required": .array(properties.map { .string($0.0) }),
                "additionalProperties": false,
                "properties": .document(BSONDocument(literal: properties)),
            ]
        ]
    }

    /// What the journal lets in as one field of an event.
    private static func rule(for field: EventField, version: BSONValue) -> BSONValue {
        switch field {
        case .id: ["bsonType": "binData"]
        case .aggregateID: ["bsonType": "string", "pattern": "^[a-z][a-z0-9-]*/."]
        case .version: version
        case .type:
            [
                "bsonType": "string", "minLength": 1,
                "anyOf": [["pattern": "^[^$]"], ["enum": .array(reservedEventTypes.map { .string($0) })]],
            ]
        case .schema: ["bsonType": "int", "minimum": 1]
        case .data: ["bsonType": "object"]
        case .recordedAt: ["bsonType": "date"]
        case .commit:
            [
                "bsonType": "object",
                "required": [EventKey.commitID, EventKey.commitIndex, EventKey.commitCount],
                "additionalProperties": false,
                "properties": [
                    EventKey.commitID: ["bsonType": "binData"],
                    EventKey.commitIndex: ["bsonType": "int", "minimum": 0],
                    EventKey.commitCount: ["bsonType": "int", "minimum": 1],
                ],
            ]
        case .metadata:
            [
                "bsonType": "object",
                "additionalProperties": false,
                "properties": [
                    EventKey.commandID: ["bsonType": "string", "minLength": 1],
                    EventKey.commandName: ["bsonType": "string"],
                    EventKey.commandDigest: ["bsonType": "binData"],
                    EventKey.correlationID: ["bsonType": "string"],
                    EventKey.causationID: ["bsonType": "string"],
                    EventKey.actor: ["bsonType": "string"],
                    EventKey.headers: ["bsonType": "object", "additionalProperties": ["bsonType": "string"]],
                ],
            ]
        }
    }

    /// The event types that Daybook itself writes: a correction of an aggregate's state.
    package static let reservedEventTypes = [Correction.eventType]

    /// What stands between a malformed event and the journal. `strict` and `error` are what MongoDB does unless told otherwise; they are
    /// stated, so that they can be read where the collection is described.
    static let validation: BSONDocument = [
        "validator": .document(validator), "validationLevel": "strict", "validationAction": "error",
    ]
}
