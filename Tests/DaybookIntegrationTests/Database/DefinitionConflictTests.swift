@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// What may be wrong with one definition of a prepared database.
enum WrongDefinition: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case versionsNotUnique, versionsSparse, versionsWithCollation, versionsPartial, versionsNameTaken
    case commandsNotPartial, commandsWithOtherFilter, commandsInOtherOrder
    case journalExpires
    case snapshotIndexUnique, snapshotIndexExpires, snapshotIndexPartial, snapshotIndexNameTaken
    case validatorMissing, validatorOlder, validatorOther, validationModerate, validationOff, validationWarns
    case journalView, journalCapped, journalTimeSeries, journalCollation, snapshotsView, snapshotsCapped,
        snapshotsCollation

    var testDescription: String { rawValue }

    /// What the report says it is about, and what is wrong.
    var report: (subject: String, reason: String) {
        let (versions, commands) = (
            #"index "aggregateId_version" of "journal""#, #"index "aggregateId_commandId" of "journal""#
        )
        let balance = #"index "state.balance_1__id_1" of "snapshots.account""#
        return switch self {
        case .versionsNotUnique: (versions, "not unique")
        case .versionsSparse, .versionsWithCollation, .versionsPartial: (versions, "other options")
        case .versionsNameTaken: (versions, "has the name")
        case .commandsNotPartial, .commandsWithOtherFilter: (commands, "other options")
        case .commandsInOtherOrder: (commands, "has the name")
        case .journalExpires: (#"index "recordedAt_1" of "journal""#, "deletes events")
        case .snapshotIndexUnique, .snapshotIndexPartial: (balance, "other options")
        case .snapshotIndexExpires: (balance, "has the name")
        case .snapshotIndexNameTaken: (balance, "has the name")
        case .validatorMissing: (#"validator of "journal""#, "not there")
        case .validatorOlder, .validatorOther: (#"validator of "journal""#, "not the one of this version")
        case .validationModerate, .validationOff: (#"validator of "journal""#, "not hold for every write")
        case .validationWarns: (#"validator of "journal""#, "refuses nothing")
        case .journalView: (#"collection "journal""#, "is a view")
        case .journalCapped: (#"collection "journal""#, "capped")
        case .journalTimeSeries: (#"collection "journal""#, "time-series")
        case .journalCollation: (#"collection "journal""#, "collation")
        case .snapshotsView: (#"collection "snapshots.account""#, "is a view")
        case .snapshotsCapped: (#"collection "snapshots.account""#, "capped")
        case .snapshotsCollation: (#"collection "snapshots.account""#, "collation")
        }
    }

    /// Makes it so in a database that is prepared.
    func apply(to database: RawDatabase) async throws {
        let one = BSONValue.int32(1)
        func index(
            _ name: String, _ key: BSONDocument, _ options: BSONDocument = [:], of collection: String = "journal"
        )
            async throws
        {
            var index: BSONDocument = ["name": .string(name), "key": .document(key)]
            for (name, value) in options.fields { try index.append(name, value) }
            _ = try? await database.write(["dropIndexes": .string(collection), "index": .string(name)])
            _ = try await database.write(["createIndexes": .string(collection), "indexes": [.document(index)]])
        }
        func versions(_ options: BSONDocument) async throws {
            try await index("aggregateId_version", ["aggregateId": one, "version": one], options)
        }
        func commands(_ options: BSONDocument) async throws {
            try await index("aggregateId_commandId", ["aggregateId": one, "meta.commandId": one], options)
        }
        func balance(_ options: BSONDocument) async throws {
            try await index(
                "state.balance_1__id_1", ["state.balance": one, "_id": one], options, of: "snapshots.account")
        }
        func change(_ options: BSONDocument) async throws {
            var command: BSONDocument = ["collMod": "journal"]
            for (name, value) in options.fields { try command.append(name, value) }
            _ = try await database.write(command)
        }
        func replace(_ collection: String, _ options: BSONDocument) async throws {
            var command: BSONDocument = ["create": .string(collection)]
            for (name, value) in options.fields { try command.append(name, value) }
            _ = try await database.write(["drop": .string(collection)])
            _ = try await database.write(command)
        }
        let filter: BSONDocument = ["meta.commandId": ["$exists": true]]
        switch self {
        case .versionsNotUnique: try await versions([:])
        case .versionsSparse: try await versions(["unique": true, "sparse": true])
        case .versionsWithCollation:
            try await versions(["unique": true, "collation": ["locale": "en", "strength": one]])
        case .versionsPartial: try await versions(["unique": true, "partialFilterExpression": ["version": ["$gt": 5]]])
        case .versionsNameTaken: try await index("aggregateId_version", ["type": one])
        case .commandsNotPartial: try await commands(["unique": true])
        case .commandsWithOtherFilter:
            try await commands(["unique": true, "partialFilterExpression": ["meta.actor": ["$exists": true]]])
        case .commandsInOtherOrder:
            try await index(
                "aggregateId_commandId", ["meta.commandId": one, "aggregateId": one],
                ["unique": true, "partialFilterExpression": .document(filter)])
        case .journalExpires:
            try await index("recordedAt_1", ["recordedAt": one], ["expireAfterSeconds": .int32(86_400)])
        case .snapshotIndexUnique: try await balance(["unique": true])
        case .snapshotIndexExpires:
            // Only an index of one field can expire documents.
            try await index(
                "state.balance_1__id_1", ["state.balance": one], ["expireAfterSeconds": .int32(60)],
                of: "snapshots.account")
        case .snapshotIndexPartial: try await balance(["partialFilterExpression": ["state.balance": ["$gt": 0]]])
        case .snapshotIndexNameTaken:
            try await index("state.balance_1__id_1", ["state.entries": one], of: "snapshots.account")
        case .validatorMissing: try await change(["validator": [:]])
        case .validatorOlder:
            // As an earlier version of the library made it: nothing was said of `meta` but its command id.
            guard case .document(let schema) = Journal.validator["$jsonSchema"],
                case .document(let properties) = schema["properties"]
            else {
                return
            }
            let older = try schema.setting(
                "properties", to: .document(properties.setting("meta", to: ["bsonType": "object"])))
            try await change(["validator": ["$jsonSchema": .document(older)]])
        case .validatorOther: try await change(["validator": ["version": ["$gt": 0]]])
        case .validationModerate: try await change(["validationLevel": "moderate"])
        case .validationOff: try await change(["validationLevel": "off"])
        case .validationWarns: try await change(["validationAction": "warn"])
        case .journalView: try await replace("journal", ["viewOn": "elsewhere", "pipeline": []])
        case .journalCapped: try await replace("journal", ["capped": true, "size": .int32(1 << 20)])
        case .journalTimeSeries: try await replace("journal", ["timeseries": ["timeField": "recordedAt"]])
        case .journalCollation: try await replace("journal", ["collation": ["locale": "en", "strength": one]])
        case .snapshotsView: try await replace("snapshots.account", ["viewOn": "elsewhere", "pipeline": []])
        case .snapshotsCapped: try await replace("snapshots.account", ["capped": true, "size": .int32(1 << 20)])
        case .snapshotsCollation:
            try await replace("snapshots.account", ["collation": ["locale": "en", "strength": one]])
        }
    }
}

@Suite("initialize and conflicting definitions")
struct DefinitionConflictTests {
    /// Everything the server says of the database's collections and their indexes.
    private func definitions(of database: RawDatabase) async throws -> Set<BSONDocument> {
        var found = Set(try await database.read(["listCollections": 1]).documents(at: "cursor.firstBatch"))
        for name in ["journal", "snapshots.account"] {
            let indexes = try? await database.read(["listIndexes": .string(name)])
            found.formUnion(indexes?.documents(at: "cursor.firstBatch") ?? [])
        }
        return found
    }

    private func withPreparedDatabase(_ body: (RawDatabase, DaybookStore) async throws -> Void) async throws {
        try await withRawDatabase { database in
            try await withDaybook(DaybookConfiguration(uri: try TestServer.uri, database: database.name)) { store in
                try await store.initialize(Account.self)
                try await body(database, store)
            }
        }
    }

    private func conflicts(_ store: DaybookStore) async throws -> (DaybookError, [DefinitionConflict]) {
        let error = try #require(try await daybookError { try await store.initialize(Account.self) })
        #expect(error.code == .conflictingDefinition)
        #expect(error.operation == "initialize")
        return (error, try #require(error.underlying as? DefinitionConflicts).conflicts)
    }

    @Test(
        "initialize reports a conflict with both definitions and a remedy that works, and changes nothing",
        arguments: WrongDefinition.allCases)
    func conflict(wrong: WrongDefinition) async throws {
        try await withPreparedDatabase { database, store in
            try await wrong.apply(to: database)
            let before = try await definitions(of: database)
            let (error, conflicts) = try await conflicts(store)
            let conflict = try #require(conflicts.first)
            #expect(conflicts.count == 1, "\(conflicts)")
            #expect(conflict.subject.contains(wrong.report.subject), "\(conflict)")
            #expect(conflict.reason.contains(wrong.report.reason), "\(conflict)")
            for part in [conflict.subject, conflict.reason, conflict.found, conflict.wanted] + conflict.remedy {
                #expect(error.message.contains(part))
                #expect(!part.isEmpty && !part.contains("\n"))
            }
            #expect(throws: Never.self) { try BSONDocument(extendedJSON: conflict.found) }
            #expect(conflict.found != conflict.wanted)
            #expect(try await definitions(of: database) == before)

            for line in conflict.remedy {
                if line.hasPrefix("//") {
                    if line.contains("initialize") { try await store.initialize(Account.self) }
                } else {
                    try await MongoShell(database: database).type(line)
                }
            }
            try await store.initialize(Account.self)
            #expect(
                try await store.repository(Account.self).execute(.deposit(1), on: "a", commandID: "c")?.version == 1)
        }
    }

    @Test("initialize reports all conflicts in one error, and makes nothing that is missing beside them")
    func together() async throws {
        try await withPreparedDatabase { database, store in
            for wrong in [
                WrongDefinition.versionsNotUnique, .commandsNotPartial, .journalExpires, .snapshotIndexUnique,
                .validationOff,
            ] {
                try await wrong.apply(to: database)
            }
            let before = try await definitions(of: database)
            let error = try #require(try await daybookError { try await store.initialize(Account.self, Ticket.self) })
            let subjects = (error.underlying as? DefinitionConflicts)?.conflicts.map(\.subject) ?? []
            #expect(subjects.count == 5, "\(subjects)")
            #expect(Set(subjects).count == 5)
            #expect(error.message.contains("5 definitions"))
            #expect(try await definitions(of: database) == before)
        }
    }

    @Test("initialize does not change what an operator added, and accepts an index of another name that works the same")
    func operatorsOwn() async throws {
        try await withPreparedDatabase { database, store in
            let one = BSONValue.int32(1)
            _ = try await database.write(["dropIndexes": "journal", "index": "aggregateId_version"])
            _ = try await database.write([
                "createIndexes": "journal",
                "indexes": [
                    ["name": "mine", "key": ["aggregateId": 1.0, "version": 1.0], "unique": true],
                    ["name": "byType", "key": ["type": one]],
                ],
            ])
            _ = try await database.write([
                "createIndexes": "snapshots.account",
                "indexes": [["name": "extra", "key": ["state.entries": one, "state.balance": one], "unique": false]],
            ])
            _ = try await database.write(["collMod": "snapshots.account", "validator": ["state": ["$exists": true]]])
            let before = try await definitions(of: database)
            try await store.initialize(Account.self)
            #expect(try await definitions(of: database) == before)
            #expect(try await store.repository(Account.self).execute(.deposit(1), on: "a")?.version == 1)
        }
    }

    @Test(
        "initialize accepts a validator that a shell wrote, whose numbers are doubles and whose fields have another order"
    )
    func sameValidator() async throws {
        try await withPreparedDatabase { database, store in
            _ = try await database.write([
                "collMod": "journal", "validator": .document(try Self.shuffled(Journal.validator)),
            ])
            try await store.initialize(Account.self)
        }
    }

    @Test(
        "a journal with a conflicting index refuses commits, because no store can rely on it",
        arguments: [WrongDefinition.versionsPartial, .versionsWithCollation, .versionsSparse])
    func requireInitialized(wrong: WrongDefinition) async throws {
        try await withPreparedDatabase { database, store in
            try await wrong.apply(to: database)
            let error = try await daybookError {
                try await store.repository(Account.self).execute(.deposit(1), on: "a")
            }
            #expect(error?.code == .notInitialized)
            #expect(try await database.documents(in: "journal").isEmpty)
        }
    }

    private static func shuffled(_ document: BSONDocument) throws -> BSONDocument {
        var shuffled = BSONDocument()
        for (key, value) in document.fields.reversed() {
            switch value {
            case .document(let inner): try shuffled.append(key, .document(Self.shuffled(inner)))
            case .int64(let number): try shuffled.append(key, .double(Double(number)))
            case .array(let values) where key == "required": try shuffled.append(key, .array(values.reversed()))
            default: try shuffled.append(key, value)
            }
        }
        return shuffled
    }
}
