@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

@Suite struct InitializeTests {
    private static let journalIndexes: [BSONDocument] = [
        ["name": "_id_", "key": ["_id": .int32(1)]],
        ["name": "aggregateId_version", "key": ["aggregateId": .int32(1), "version": .int32(1)], "unique": true],
        [
            "name": "aggregateId_commandId", "key": ["aggregateId": .int32(1), "meta.commandId": .int32(1)],
            "unique": true,
            "partialFilterExpression": ["meta.commandId": ["$exists": true]],
        ],
    ]

    private func indexes(of collection: String, _ store: DaybookStore) async throws -> Set<BSONDocument> {
        let reply = try await store.raw.read(["listIndexes": .string(collection)])
        return Set(
            reply.documents(at: "cursor.firstBatch").map { index in
                var known = BSONDocument()
                for key in ["name", "key", "unique", "partialFilterExpression"] {
                    guard let value = index[key] else { continue }
                    // Servers write a direction in whatever numeric type.
                    if case .document(let inner) = value, key == "key" {
                        try? known.append(key, .document(Self.withIntegerDirections(inner)))
                    } else {
                        try? known.append(key, value)
                    }
                }
                return known
            })
    }

    private static func withIntegerDirections(_ key: BSONDocument) -> BSONDocument {
        var integers = BSONDocument()
        key.withBorrowed { key in
            for (name, direction)
                in (try? key.map { (try $0.keyString, try (try? $0.double()).map { Int64($0) } ?? $0.int64()) })
                ?? []
            {
                try? integers.append(name, .int32(Int32(direction)))
            }
        }
        return integers
    }

    @Test("initialize makes the indexes that are declared, and no others")
    func declaredIndexes() async throws {
        try await withTestStore { store in
            try await store.initialize(Ticket.self)
            #expect(try await indexes(of: "journal", store) == Set(Self.journalIndexes))
            #expect(
                try await indexes(of: "snapshots.account", store) == [
                    ["name": "_id_", "key": ["_id": .int32(1)]],
                    ["name": "state.balance_1__id_1", "key": ["state.balance": .int32(1), "_id": .int32(1)]],
                ])
            #expect(
                try await indexes(of: "snapshots.ticket", store) == [
                    ["name": "_id_", "key": ["_id": .int32(1)]],
                    ["name": "state.status_1__id_1", "key": ["state.status": .int32(1), "_id": .int32(1)]],
                ])
        }
    }

    @Test("initialize has the server delete marks after an hour, also where the first mark has made their collection")
    func marks() async throws {
        try await withEmptyStore { store in
            _ = try await store.tail.writeMark()
            try await store.initialize(Account.self)
            let reply = try await store.raw.read(["listIndexes": "daybook.marks"])
            let index = reply.documents(at: "cursor.firstBatch").first { $0["name"] == "at_1" }
            #expect(index?["expireAfterSeconds"]?.number == 3_600)
            #expect(try await store.raw.documents(in: "daybook.marks").count == 1)
        }
    }

    @Test("initialize may run twice, and keeps what is there")
    func twice() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(1), on: "a")
            let before = try await indexes(of: "journal", store)
            try await store.initialize(Account.self)
            try await store.initialize([Account.self, Ticket.self])
            #expect(try await indexes(of: "journal", store) == before)
            #expect(try await accounts.execute(.deposit(1), on: "a")?.version == 2)
        }
    }

    @Test("initialize may run in 10 tasks at once, each with connections of its own", .timeLimit(.minutes(1)))
    func concurrently() async throws {
        try await withEmptyStore { store in
            let database = store.database
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...10 {
                    group.addTask {
                        try await withDaybook(DaybookConfiguration(uri: try TestServer.uri, database: database)) {
                            try await $0.initialize(Account.self, Ticket.self, Notebook.self)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await indexes(of: "journal", store) == Set(Self.journalIndexes))
            #expect(try await store.repository(Account.self).execute(.deposit(1), on: "a")?.version == 1)
        }
    }

    @Test("G12: a database that was not initialized is refused, and nothing is written")
    func notInitialized() async throws {
        try await withEmptyStore { store in
            let accounts = store.repository(Account.self)
            let execute = await #expect(throws: DaybookError.self) { try await accounts.execute(.deposit(1), on: "a") }
            #expect(execute?.code == .notInitialized)
            #expect(execute?.message.contains("initialize") == true)
            #expect(execute?.message.contains(store.database) == true)
            let append = await #expect(throws: DaybookError.self) {
                try await accounts.append([.deposited(amount: 1)], to: "a", expecting: 0)
            }
            #expect(append?.code == .notInitialized)
            let transaction = await #expect(throws: DaybookError.self) {
                try await store.transaction { try await $0.execute(.deposit(1), on: "a", of: Account.self) }
            }
            #expect(transaction?.code == .notInitialized)
            #expect(try await store.raw.documents(in: "journal").isEmpty)
            #expect(try await store.raw.documents(in: "snapshots.account").isEmpty)
            try await store.initialize(Account.self)
            #expect(try await accounts.execute(.deposit(1), on: "a")?.version == 1)
        }
    }

    @Test(
        "G12: a journal that lacks one of its unique indexes is refused",
        arguments: ["aggregateId_version", "aggregateId_commandId"])
    func indexMissing(name: String) async throws {
        try await withTestStore { store in
            _ = try await store.raw.write(["dropIndexes": "journal", "index": .string(name)])
            let error = await #expect(throws: DaybookError.self) {
                try await store.repository(Account.self).execute(.deposit(1), on: "a")
            }
            #expect(error?.code == .notInitialized)
            #expect(try await store.raw.documents(in: "journal").isEmpty)
        }
    }

    enum Malformation: CaseIterable, Sendable {
        case noAggregateID, noVersion, noType, noSchema, noData, noTime, noCommit, noMeta
        case aggregateIDWithoutSlash, aggregateIDNumber, versionZero, versionNegative, versionTooLarge, versionInt32,
            versionDouble, typeEmpty
        case schemaZero, schemaInt64, dataText, dataArray, timeText, commitWithoutID, commitWithoutCount, countZero
        case indexNegative, metaText, commandIDNumber, commandIDEmpty, moreFields, idText, typeReserved,
            typeNearlyReserved
        case moreInCommit, moreInMeta, commandNameNumber, commandDigestText, correlationIDNumber, causationIDNumber,
            actorNumber
        case headersText, headerNumber

        func apply(_ event: BSONDocument) throws -> BSONDocument {
            func commit(_ key: String, _ value: BSONValue?) throws -> BSONDocument {
                guard case .document(let commit) = event["commit"] else { return event }
                return try event.setting("commit", to: .document(commit.setting(key, to: value)))
            }
            switch self {
            case .noAggregateID: return try event.setting("aggregateId", to: nil)
            case .noVersion: return try event.setting("version", to: nil)
            case .noType: return try event.setting("type", to: nil)
            case .noSchema: return try event.setting("schema", to: nil)
            case .noData: return try event.setting("data", to: nil)
            case .noTime: return try event.setting("recordedAt", to: nil)
            case .noCommit: return try event.setting("commit", to: nil)
            case .noMeta: return try event.setting("meta", to: nil)
            case .aggregateIDWithoutSlash: return try event.setting("aggregateId", to: "account")
            case .aggregateIDNumber: return try event.setting("aggregateId", to: 7)
            case .versionZero: return try event.setting("version", to: 0)
            case .versionTooLarge: return try event.setting("version", to: .int64(.max))
            case .versionNegative: return try event.setting("version", to: -2)
            case .versionInt32: return try event.setting("version", to: .int32(2))
            case .versionDouble: return try event.setting("version", to: 2.0)
            case .typeEmpty: return try event.setting("type", to: "")
            case .schemaZero: return try event.setting("schema", to: .int32(0))
            case .schemaInt64: return try event.setting("schema", to: 1)
            case .dataText: return try event.setting("data", to: "text")
            case .dataArray: return try event.setting("data", to: [1])
            case .timeText: return try event.setting("recordedAt", to: "now")
            case .commitWithoutID: return try commit("id", nil)
            case .commitWithoutCount: return try commit("count", nil)
            case .countZero: return try commit("count", .int32(0))
            case .indexNegative: return try commit("index", .int32(-1))
            case .metaText: return try event.setting("meta", to: "text")
            case .commandIDNumber: return try event.setting("meta", to: ["commandId": 7])
            case .commandIDEmpty: return try event.setting("meta", to: ["commandId": ""])
            case .moreFields: return try event.setting("note", to: "by hand")
            case .typeReserved: return try event.setting("type", to: "$other")
            case .typeNearlyReserved: return try event.setting("type", to: "$corrected\n")
            case .moreInCommit: return try commit("note", "by hand")
            case .moreInMeta: return try event.setting("meta", to: ["comandId": "c"])
            case .commandNameNumber: return try event.setting("meta", to: ["commandName": 7])
            case .commandDigestText: return try event.setting("meta", to: ["commandDigest": "digest"])
            case .correlationIDNumber: return try event.setting("meta", to: ["correlationId": 7])
            case .causationIDNumber: return try event.setting("meta", to: ["causationId": 7])
            case .actorNumber: return try event.setting("meta", to: ["actor": 7])
            case .headersText: return try event.setting("meta", to: ["headers": "h"])
            case .headerNumber: return try event.setting("meta", to: ["headers": ["h": 7]])
            case .idText: return try event.setting("_id", to: "by hand")
            }
        }
    }

    @Test("the journal refuses a malformed event from any client")
    func validator() async throws {
        try await withTestStore { store in
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            let stored = try #require(try await store.raw.documents(in: "journal").first)
            let next = try stored.setting("_id", to: .binary(BSONBinary(UUID()))).setting("version", to: 2)
            for malformation in Malformation.allCases {
                let malformed = try malformation.apply(next)
                let error = await #expect(throws: MongoError.self, "\(malformation)") {
                    try await store.raw.insert([malformed], into: "journal")
                }
                #expect(error?.code == .validationFailed, "\(malformation)")
            }
            // It is the malformation that was refused: the event itself goes in.
            try await store.raw.insert([next], into: "journal")
            #expect(try await store.raw.documents(in: "journal").count == 2)
            #expect(try await store.repository(Account.self).load("a").version == 2)
        }
    }

    @Test("the journal lets in everything that an event may say of its command, and Daybook's own types")
    func validEvents() async throws {
        try await withTestStore { store in
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            let stored = try #require(try await store.raw.documents(in: "journal").first)
            let complete = try stored.setting("_id", to: .binary(BSONBinary(UUID()))).setting("version", to: 2)
                .setting(
                    "meta",
                    to: [
                        "commandId": "c", "commandName": "deposit",
                        "commandDigest": .binary(BSONBinary(bytes: [1, 2])),
                        "correlationId": "trace", "causationId": "cause", "actor": "ann",
                        "headers": ["tenant": "t", "": "empty"],
                    ])
            let correction = try complete.setting("_id", to: .binary(BSONBinary(UUID()))).setting("version", to: 3)
                .setting("type", to: "$corrected").setting("meta", to: [:])
            try await store.raw.insert([complete, correction], into: "journal")
            #expect(try await store.raw.documents(in: "journal").count == 3)
        }
    }

    @Test(
        "a journal that was without its index, and has two events at one version, is said to be damaged",
        .timeLimit(.minutes(1)))
    func duplicates() async throws {
        try await withEmptyStore { store in
            try await store.initialize(Account.self)
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            _ = try await store.raw.write(["dropIndexes": "journal", "index": "aggregateId_version"])
            let stored = try #require(try await store.raw.documents(in: "journal").first)
            try await store.raw.insert([stored.setting("_id", to: .binary(BSONBinary(UUID())))], into: "journal")
            let error = try await daybookError { try await store.initialize(Account.self) }
            #expect(error?.code == .damagedJournal)
            #expect(error?.message.contains("aggregateId and version") == true)
            #expect(try await store.raw.documents(in: "journal").count == 2)
        }
    }

    @Test("a second event at one version is refused by the journal itself")
    func uniqueVersion() async throws {
        try await withTestStore { store in
            try await store.repository(Account.self).execute(.deposit(1), on: "a", commandID: "c")
            let stored = try #require(try await store.raw.documents(in: "journal").first)
            let twin = try stored.setting("_id", to: .binary(BSONBinary(UUID()))).setting("meta", to: [:])
            let second = await #expect(throws: MongoError.self) { try await store.raw.insert([twin], into: "journal") }
            #expect(second?.code == .duplicateKey)
            #expect(second?.keyPattern == ["aggregateId", "version"])
            let later = try twin.setting("meta", to: stored["meta"]).setting("version", to: 2)
            let command = await #expect(throws: MongoError.self) {
                try await store.raw.insert([later], into: "journal")
            }
            #expect(command?.code == .duplicateKey)
            #expect(command?.keyPattern == ["aggregateId", "meta.commandId"])
        }
    }

    /// A store of the administrator on a database that has nothing in it.
    private func withEmptyStore(_ body: (DaybookStore) async throws -> Void) async throws {
        try await withRawDatabase { database in
            try await withDaybook(DaybookConfiguration(uri: try TestServer.uri, database: database.name), body)
        }
    }
}
