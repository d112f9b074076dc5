@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// What users of the roles can do and cannot, through the library. CollectionRoleTests has what the server lets them do
/// past it.
@Suite(
    "A user with one of Daybook's roles",
    .enabled(if: try TestServer.asksForPasswords, "the server asks nobody for a password"))
struct RoleTests {
    private func expectRefusal(
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async {
        let error = await #expect(throws: MongoError.self, "\(what)", sourceLocation: sourceLocation) {
            try await body()
        }
        #expect(error?.code == .unauthorized, "\(what)", sourceLocation: sourceLocation)
    }

    @Test("the application uses every part of a store, and initializes one that is ready")
    func application() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await store.initialize(Account.self, Ticket.self)
            try await accounts.execute(.depositEach([1, 2, 3]), on: "a", commandID: "c")
            try await accounts.append([.deposited(amount: 4)], to: "a", expecting: 3)
            try await store.transaction { transaction in
                _ = try await transaction.guard("b", of: Account.self)
                try await transaction.execute(.withdraw(10), on: "a", of: Account.self)
            }
            #expect(try await accounts.load("a").state == Account(balance: 0, entries: 5))
            #expect(try await accounts.load("a", at: .version(2)).state.balance == 3)
            var versions: [Int64] = []
            for try await event in try accounts.history("a") { versions.append(event.version) }
            #expect(versions == [1, 2, 3, 4, 5])
            var found: [String] = []
            for try await account in accounts.query(where: \.balance == 0) { found.append(account.id.key) }
            #expect(found == ["a"])
        }
    }

    @Test("the application follows the journal")
    func changeStream() async throws {
        try await withTestStore { store in
            let stream = store.client.changes(of: store.database, maximumWait: .milliseconds(100)) { change in
                try change.first("operationType")?.string() ?? ""
            }
            let iterator = stream.makeAsyncIterator()
            try await iterator.open()
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            while let element = try await iterator.next() {
                guard case .change(let kind, _) = element else { continue }
                #expect(kind == "insert")
                break
            }
        }
    }

    @Test(
        "the application or the reader cannot make, change or drop anything of the database",
        arguments: [RoleDefinition.Name.application, .reader])
    func definitions(role: RoleDefinition.Name) async throws {
        try await withTestStore { store in
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            try await withUser(role, store.raw) { database in
                let index: BSONValue = ["name": "i", "key": ["x": .int32(1)]]
                let commands: [BSONDocument] = [
                    ["drop": "journal"], ["drop": "snapshots.account"], ["dropDatabase": 1], ["create": "more"],
                    ["dropIndexes": "journal", "index": "aggregateId_version"],
                    ["createIndexes": "journal", "indexes": [index]],
                    ["collMod": "journal", "validationLevel": "off"],
                    ["collMod": "snapshots.account", "validator": [:]],
                    ["createUser": "u", "pwd": "u", "roles": []], ["createRole": "r", "privileges": [], "roles": []],
                    ["updateRole": .string(role.rawValue), "privileges": []],
                ]
                for command in commands { await expectRefusal("\(command)") { _ = try await database.write(command) } }
            }
            #expect(try await store.repository(Account.self).load("a").version == 1)
        }
    }

    @Test("the application's error says what is missing, and who can create it")
    func initializeTooMuch() async throws {
        try await withTestStore(for: [Account.self]) { store in
            let missing = try await daybookError { try await store.initialize(Account.self, Ticket.self) }
            #expect(missing?.code == .unauthorized)
            for part in [
                "\"snapshots.ticket\"", "\"state.status_1__id_1\"", "daybookOperator", "dbOwner", store.database,
            ] {
                #expect(missing?.message.contains(part) == true, "\(String(describing: missing?.message))")
            }
            #expect(missing?.message.contains("snapshots.account") == false)
            _ = try await store.raw.write(["dropIndexes": "journal", "index": "aggregateId_commandId"])
            let index = try await daybookError { try await store.initialize(Account.self) }
            #expect(index?.code == .unauthorized)
            #expect(index?.message.contains("the index \"aggregateId_commandId\" of \"journal\"") == true)
            #expect(index?.message.contains("daybookOperator") == false, "an operator cannot make that")
            let roles = try await daybookError { try await store.createRoles(for: [Account.self]) }
            #expect(roles?.code == .unauthorized)
            #expect(roles?.message.contains("userAdmin") == true)
        }
    }

    @Test("the application makes no index, also of a collection that the server lets it make")
    func droppedCollection() async throws {
        try await withTestStore(for: [Account.self]) { store in
            _ = try await store.raw.write(["drop": "snapshots.account"])
            // MongoDB lets a user create a collection who may insert into it.
            let error = try await daybookError { try await store.initialize(Account.self) }
            #expect(error?.code == .unauthorized)
            #expect(error?.message.contains("daybookOperator") == true, "\(String(describing: error?.message))")
            #expect(try await store.repository(Account.self).execute(.deposit(1), on: "a")?.version == 1)
        }
    }

    @Test("the reader reads everything, and commits nothing")
    func reader() async throws {
        try await withTestStore { store in
            try await store.repository(Account.self).execute(.depositEach([1, 2]), on: "a")
            let configuration = DaybookConfiguration(
                uri: try await store.raw.uri(as: .reader), database: store.database)
            try await withDaybook(configuration) { reader in
                let accounts = reader.repository(Account.self)
                #expect(try await accounts.load("a").state.balance == 3)
                var count = 0
                for try await _ in try accounts.history("a") { count += 1 }
                for try await _ in accounts.query(where: \.balance == 3) { count += 1 }
                #expect(count == 3)
                let error = try await daybookError { try await accounts.execute(.deposit(1), on: "a") }
                #expect(error?.code == .unauthorized)
                try await withUser(.reader, store.raw) { database in
                    await expectRefusal("insert") { try await database.insert([["_id": 1]], into: "snapshots.account") }
                    await expectRefusal("update") {
                        try await database.update(
                            ["_id": "account/a"], with: ["$set": ["state.balance": 1]], in: "snapshots.account")
                    }
                    await expectRefusal("delete") {
                        try await database.delete(["_id": "account/a"], from: "snapshots.account")
                    }
                }
            }
            #expect(try await store.repository(Account.self).load("a").version == 2)
        }
    }

    @Test("the operator remakes snapshots, and swaps a rebuilt collection in")
    func remakesSnapshots() async throws {
        try await withTestStore(for: [Account.self]) { store in
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            let configuration = DaybookConfiguration(
                uri: try await store.raw.uri(as: .operator), database: store.database)
            try await withDaybook(configuration) { store in
                try await withUser(.operator, store.raw) { database in
                    _ = try await database.write(["drop": "snapshots.account"])
                    try await store.initialize(Account.self)
                    _ = try await database.write(["create": "snapshots.account.rebuild"])
                    _ = try await database.write(
                        [
                            "renameCollection": .string("\(database.name).snapshots.account.rebuild"),
                            "to": .string("\(database.name).snapshots.account"), "dropTarget": true,
                        ], database: "admin")
                    await expectRefusal("dropDatabase") { _ = try await database.write(["dropDatabase": 1]) }
                    await expectRefusal("createRole") {
                        _ = try await database.write(["createRole": "r", "privileges": [], "roles": []])
                    }
                }
                try await store.initialize(Account.self)
                #expect(try await store.repository(Account.self).execute(.deposit(1), on: "a")?.version == 2)
            }
        }
    }

    @Test(
        "no role may change or delete an event, whatever it may do to snapshots",
        arguments: RoleDefinition.Name.allCases)
    func journal(role: RoleDefinition.Name) async throws {
        try await withTestStore { store in
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            let before = try await store.raw.documents(in: "journal")
            try await withUser(role, store.raw) { database in
                await expectRefusal("update") {
                    try await database.update(["version": 1], with: ["$set": ["data.amount": 2]], in: "journal")
                }
                await expectRefusal("delete") { try await database.delete(["version": 1], from: "journal") }
                await expectRefusal("drop") { _ = try await database.write(["drop": "journal"]) }
                await expectRefusal("collMod") {
                    _ = try await database.write(["collMod": "journal", "validationLevel": "off"])
                }
                await expectRefusal("another collection") { try await database.insert([["_id": 1]], into: "salaries") }
            }
            #expect(try await store.raw.documents(in: "journal") == before)
        }
    }
}

/// Making roles needs no server that looks at them.
@Suite("createRoles")
struct RoleCreationTests {
    private func withOwner(_ body: (RawDatabase, DaybookStore) async throws -> Void) async throws {
        try await withRawDatabase { database in
            try await withDaybook(DaybookConfiguration(uri: try TestServer.uri, database: database.name)) { store in
                try await body(database, store)
                _ = try await database.write(["dropAllRolesFromDatabase": 1])
            }
        }
    }

    private func privileges(_ role: RoleDefinition.Name, _ database: RawDatabase) async throws -> Set<BSONDocument> {
        let reply = try await database.read(["rolesInfo": .string(role.rawValue), "showPrivileges": true])
        return Set(reply.documents(at: "roles").first?.documents(at: "privileges") ?? [])
    }

    @Test("createRoles creates the three roles once, also in several processes at a time")
    func creation() async throws {
        try await withOwner { database, store in
            #expect(try await store.createRoles(for: [Account.self]).map(\.name) == RoleDefinition.Name.allCases)
            for role in try store.roles(for: [Account.self]) {
                #expect(
                    try await privileges(role.name, database) == Set(role.createRoleCommand.documents(at: "privileges"))
                )
            }
            #expect(try await store.createRoles(for: [Account.self]).isEmpty)
            _ = try await database.write(["dropAllRolesFromDatabase": 1])
            let made = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...10 { group.addTask { try await store.createRoles(for: [Account.self]).count } }
                return try await group.reduce(0, +)
            }
            #expect(made == 3)
        }
    }

    @Test(
        "createRoles reports a role with another definition, creates nothing, and changes that role only with updating",
        arguments: ["more", "less"])
    func other(change: String) async throws {
        try await withOwner { database, store in
            let role = try #require(try store.roles(for: [Account.self]).first { $0.name == .reader })
            var privileges = role.createRoleCommand.documents(at: "privileges")
            if change == "less" {
                privileges.removeFirst()
            } else {
                privileges.append([
                    "resource": ["db": .string(database.name), "collection": "journal"], "actions": ["remove"],
                ])
            }
            let other: BSONValue = .array(privileges.map { .document($0) })
            _ = try await database.write(["createRole": "daybookReader", "privileges": other, "roles": []])
            let error = try #require(try await daybookError { try await store.createRoles(for: [Account.self]) })
            #expect(error.code == .conflictingDefinition)
            let conflict = try #require((error.underlying as? DefinitionConflicts)?.conflicts.first)
            #expect(conflict.subject.contains("daybookReader"))
            #expect(conflict.found.contains("listCollections") && conflict.wanted.contains("listCollections"))
            #expect((conflict.found.contains("\"remove\"")) == (change == "more"))
            #expect(try await self.privileges(.application, database).isEmpty, "nothing was made beside it")
            #expect(try await self.privileges(.reader, database) == Set(privileges))

            let made = try await store.createRoles(for: [Account.self], updating: true)
            #expect(Set(made.map(\.name)) == Set(RoleDefinition.Name.allCases))
            #expect(
                try await self.privileges(.reader, database) == Set(role.createRoleCommand.documents(at: "privileges")))
            #expect(try await store.createRoles(for: [Account.self], updating: true).isEmpty)
        }
    }

    @Test("the remedy for a role sets it to the wanted definition")
    func remedy() async throws {
        try await withOwner { database, store in
            _ = try await database.write(["createRole": "daybookOperator", "privileges": [], "roles": ["readWrite"]])
            let error = try #require(try await daybookError { try await store.createRoles(for: [Account.self]) })
            for line in (error.underlying as? DefinitionConflicts)?.conflicts.flatMap(\.remedy) ?? [] {
                try await MongoShell(database: database).type(line)
            }
            #expect(try await store.createRoles(for: [Account.self]).map(\.name) == [.application, .reader])
        }
    }
}
