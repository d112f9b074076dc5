internal import DaybookBSON

extension Journal {
    /// The journal's `$jsonSchema` validator. It accepts an event as this version of Daybook writes it, and nothing
    /// else.
    ///
    /// Unknown fields are refused at every level, so that a misspelt field, or one that was added by hand, is not
    /// silently stored. Therefore a version of Daybook whose events have a new field needs its validator first. That is
    /// one `collMod`, which `initialize` prints. Writers of the old version are not affected, because a later validator
    /// accepts what an earlier one did. If the `collMod` is forgotten, every commit of the new version is refused.
    /// Users put additional data into `meta.headers`, which has no fixed keys.
    ///
    /// A type that begins with `$` is reserved for Daybook, because an enum cannot have a case with such a name.
    static let validator = validator(version: ["bsonType": "long", "minimum": 1, "maximum": .int64(maximumVersion)])

    /// The validators of databases that an earlier version of Daybook created. They are good enough, so no operator has
    /// to change them. They accept a version above ``maximumVersion``, which no load trusts.
    static let earlierValidators = [validator(version: ["bsonType": "long", "minimum": 1])]

    /// The highest version of an aggregate: the largest integer that a double holds exactly, and so a shell or a JSON
    /// reader too. No aggregate ever reaches it. A higher version was not written by a commit, and might leave no room
    /// for the next one.
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

    /// The schema for one field of an event.
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

    /// The event types that Daybook itself writes.
    package static let reservedEventTypes = [Correction.eventType]

    /// The options that make the server refuse malformed events. `strict` and `error` are MongoDB's defaults; they are
    /// stated so that the collection's description shows them.
    static let validation: BSONDocument = [
        "validator": .document(validator), "validationLevel": "strict", "validationAction": "error",
    ]
}
