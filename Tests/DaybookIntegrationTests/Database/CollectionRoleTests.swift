import Daybook
import DaybookBSON
import DaybookMongo
import IntegrationSupport
import Testing

/// What the server lets a user of each role do with one collection and not with another, past the library.
/// https://www.mongodb.com/docs/manual/core/collection-level-access-control/
@Suite(
    "A user with one of Daybook's roles, by collection", .timeLimit(.minutes(1)),
    .enabled(if: try TestServer.asksForPasswords, "the server asks nobody for a password"))
struct CollectionRoleTests {
    private static let snapshots = "snapshots.account"
    private static let rebuild = "snapshots.account.rebuild"

    /// A command, and whether it is refused for lack of a privilege. Anything else that the server finds wrong with it
    /// comes after that.
    private func expect(
        _ commands: [BSONDocument], toBeRefused isRefused: Bool, as role: RoleDefinition.Name, in database: RawDatabase
    ) async throws {
        for command in commands {
            let isForAdmin = ["renameCollection", "bulkWrite"].contains(command.fields.first?.key)
            do {
                _ = try await database.read(command, database: isForAdmin ? "admin" : nil)
                #expect(!isRefused, "\(role) \(command)")
            } catch let error as MongoError {
                #expect((error.code == .unauthorized) == isRefused, "\(role) \(command): \(error)")
            }
        }
    }

    private func withUserOf(
        _ role: RoleDefinition.Name, _ body: (RawDatabase, _ administrator: RawDatabase) async throws -> Void
    ) async throws {
        try await withTestStore(for: [Account.self]) { store in
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            try await store.raw.insert([["_id": 1]], into: "salaries")
            try await withUser(role, store.raw) { try await body($0, store.raw) }
        }
    }

    private func insert(_ collection: String) -> BSONDocument {
        ["insert": .string(collection), "documents": [["_id": "made"]]]
    }

    private func update(_ collection: String, upsert: Bool = false) -> BSONDocument {
        [
            "update": .string(collection),
            "updates": [["q": ["_id": "nobody"], "u": ["$set": ["x": .int32(1)]], "upsert": .bool(upsert)]],
        ]
    }

    private func delete(_ collection: String) -> BSONDocument {
        ["delete": .string(collection), "deletes": [["q": ["_id": "nobody"], "limit": .int32(1)]]]
    }

    private func aggregate(_ collection: String, _ stages: BSONDocument...) -> BSONDocument {
        ["aggregate": .string(collection), "pipeline": .array(stages.map { .document($0) }), "cursor": [:]]
    }

    private func index(_ collection: String) -> BSONDocument {
        ["createIndexes": .string(collection), "indexes": [["name": "i", "key": ["x": .int32(1)]]]]
    }

    private func rename(_ source: String, to target: String, _ database: RawDatabase) -> BSONDocument {
        [
            "renameCollection": .string("\(database.name).\(source)"), "to": .string("\(database.name).\(target)"),
            "dropTarget": true,
        ]
    }

    @Test(
        "no role may change an event, the journal, or a collection that is not Daybook's, and the reader reads no other",
        arguments: RoleDefinition.Name.allCases)
    func everybody(role: RoleDefinition.Name) async throws {
        try await withUserOf(role) { database, administrator in
            let before = try await administrator.contents()
            let findAndModify: BSONDocument = [
                "findAndModify": "journal", "query": [:], "update": ["$set": ["version": .int32(9)]],
            ]
            var commands = [
                update("journal"), delete("journal"), findAndModify, aggregate(Self.snapshots, ["$out": "journal"]),
                aggregate(Self.snapshots, ["$merge": ["into": "journal"]]), ["drop": "journal"], index("journal"),
                ["dropIndexes": "journal", "index": "*"], ["collMod": "journal", "validationLevel": "off"],
                rename("journal", to: "journal.before", database), rename(Self.snapshots, to: "journal", database),
                rename("journal", to: Self.rebuild, database), ["dropDatabase": 1],
                ["listIndexes": "salaries"], insert("salaries"), update("salaries"), delete("salaries"),
                ["drop": "salaries"], ["create": "wages"],
                rename(Self.snapshots, to: "salaries", database), rename("salaries", to: Self.snapshots, database),
            ]
            let hello = try await administrator.read(["hello": 1], database: "admin")
            if try #require(hello.integer(at: "maxWireVersion")) >= 25 {
                let namespaces: BSONValue = [
                    ["ns": .string("\(database.name).\(Self.snapshots)")], ["ns": .string("\(database.name).journal")],
                ]
                for operation: BSONDocument in [
                    ["update": 1, "filter": [:], "updateMods": ["$set": ["version": .int32(9)]]],
                    ["delete": 1, "filter": [:]],
                ] {
                    commands.append(["bulkWrite": 1, "ops": [.document(operation)], "nsInfo": namespaces])
                }
            }
            try await expect(commands, toBeRefused: true, as: role, in: database)
            // Who follows the database may read all of it.
            let everything: BSONDocument = [
                "aggregate": 1, "pipeline": [["$changeStream": [:]]], "cursor": [:],
            ]
            let reads: [BSONDocument] = [
                ["find": "salaries"], ["count": "salaries"], ["distinct": "salaries", "key": "_id"],
                aggregate("salaries"), aggregate("salaries", ["$changeStream": [:]]), everything,
                aggregate(
                    "journal", ["$lookup": ["from": "salaries", "localField": "_id", "foreignField": "_id", "as": "s"]]),
            ]
            try await expect(reads, toBeRefused: role == .reader, as: role, in: database)
            #expect(try await administrator.contents() == before)
        }
    }

    @Test("the reader reads journal, snapshots and runs, and neither writes nor follows anything")
    func reader() async throws {
        try await withUserOf(.reader) { database, administrator in
            for collection in ["journal", Self.snapshots] {
                let name = BSONValue.string(collection)
                try await expect(
                    [
                        ["find": name], ["count": name], ["listIndexes": name], aggregate(collection),
                        ["listCollections": 1],
                        ["distinct": name, "key": "_id"], ["explain": ["find": name]],
                    ], toBeRefused: false, as: .reader, in: database)
                try await expect(
                    [
                        insert(collection), update(collection), delete(collection), index(collection), ["drop": name],
                        ["create": name], aggregate(collection, ["$changeStream": [:]]), ["collMod": name],
                    ], toBeRefused: true, as: .reader, in: database)
            }
            try await expect([["find": "daybook.runs"]], toBeRefused: false, as: .reader, in: database)
            try await expect(
                [["find": "daybook.leases"], insert("daybook.runs")], toBeRefused: true, as: .reader, in: database)
        }
    }

    @Test("the application inserts and follows events, writes snapshots, and changes no definition and no run")
    func application() async throws {
        try await withUserOf(.application) { database, administrator in
            _ = try await administrator.write(["collMod": "journal", "validationLevel": "off"])
            try await expect(
                [
                    insert("journal"), aggregate("journal", ["$changeStream": [:]]), insert(Self.snapshots),
                    update(Self.snapshots, upsert: true), delete(Self.snapshots),
                    update("daybook.leases", upsert: true),
                    [
                        "findAndModify": "daybook.leases", "query": ["_id": "l"], "update": ["$set": ["x": .int32(1)]],
                        "upsert": true,
                    ], delete("daybook.checkpoints"), ["find": "daybook.runs"], insert("daybook.marks"),
                    ["find": "daybook.marks"],
                ], toBeRefused: false, as: .application, in: database)
            try await expect(
                [
                    update("journal", upsert: true), index(Self.snapshots), ["drop": .string(Self.snapshots)],
                    ["collMod": .string(Self.snapshots), "validator": [:]], insert(Self.rebuild),
                    insert("daybook.runs"),
                    rename(Self.rebuild, to: Self.snapshots, database), index("daybook.marks"),
                ], toBeRefused: true, as: .application, in: database)
        }
    }

    @Test("the operator creates, changes and replaces snapshot collections, and may write all runs")
    func operatorRole() async throws {
        try await withUserOf(.operator) { database, _ in
            let (snapshots, rebuild) = (BSONValue.string(Self.snapshots), BSONValue.string(Self.rebuild))
            try await expect(
                [
                    ["create": rebuild], index(Self.rebuild), insert(Self.rebuild), update(Self.rebuild),
                    delete(Self.rebuild),
                    ["collMod": rebuild, "validationLevel": "off"], rename(Self.rebuild, to: Self.snapshots, database),
                    ["dropIndexes": snapshots, "index": "i"], ["drop": snapshots], ["create": snapshots],
                    insert("daybook.runs"), insert("daybook.marks"),
                    ["find": "daybook.deadLetters"], aggregate("journal", ["$changeStream": [:]]),
                ], toBeRefused: false, as: .operator, in: database)
            try await expect(
                [
                    ["drop": "daybook.runs"], ["create": "snapshots.other"],
                ],
                toBeRefused: true, as: .operator, in: database)
        }
    }
}
