import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// What keeps Daybook from working with a server is said at once, each in its own words.
@Suite("A server that cannot be used", .timeLimit(.minutes(2)))
struct ServerKindTests {
    private func failure(
        uri: String, _ operation: (DaybookStore) async throws -> Void
    ) async throws -> DaybookError? {
        try await daybookError {
            try await withDaybook(DaybookConfiguration(uri: uri, database: "daybook-test")) { try await operation($0) }
        }
    }

    private func execute(_ store: DaybookStore) async throws {
        try await store.repository(Account.self).execute(.deposit(1), on: "a")
    }

    private func prepare(_ journal: Namespace, _ server: OwnServer) async throws {
        let client = try MongoClient(uri: server.uri())
        _ = try await client.withConnection(.single) { connection in
            try connection.write(
                [
                    "createIndexes": .string(journal.collection),
                    "indexes": [
                        ["name": "v", "key": ["aggregateId": .int32(1), "version": .int32(1)], "unique": true],
                        [
                            "name": "c", "key": ["aggregateId": .int32(1), "meta.commandId": .int32(1)], "unique": true,
                            "partialFilterExpression": ["meta.commandId": ["$exists": true]],
                        ],
                    ],
                ], database: journal.database)
        }
        await client.close()
    }

    @Test("a standalone server is refused, and the error names the remedy", .enabled(if: OwnServer.isAvailable))
    func standalone() async throws {
        try await OwnServer.run(["--standalone"]) { server in
            let client = try MongoClient(uri: server.uri())
            let error = await #expect(throws: MongoError.self) {
                try await client.withConnection(.transaction) { try $0.beginTransaction() }
            }
            #expect(error?.code == .transactionsUnsupported)
            #expect(error?.message.contains("--replSet") == true)
            // What needs no transaction works.
            _ = try await client.withConnection(.single) { try $0.read(["ping": 1], database: "admin") }
            await client.close()

            let initializing = try await failure(uri: server.uri()) { try await $0.initialize(Account.self) }
            #expect(initializing?.code == .unsupportedServer)
            #expect(initializing?.message.contains("--replSet") == true)
            // One that was initialized before it was started without its replica set.
            let executing = try await failure(uri: server.uri()) { store in
                let journal = Namespace(database: "daybook-test", collection: "journal")
                try await prepare(journal, server)
                try await execute(store)
            }
            #expect(executing?.code == .unsupportedServer)
            #expect(executing?.message.contains("--replSet") == true)
        }
    }

    @Test("a server that is too old is refused", arguments: [Int32(12), 9, 2])
    func tooOld(wireVersion: Int32) async throws {
        let server = try FakeServer(maximumWireVersion: wireVersion)
        defer { server.close() }
        let uri = "mongodb://127.0.0.1:\(server.port)/?directConnection=true&serverSelectionTimeoutMS=2000"
        let error = try await failure(uri: uri) { try await $0.initialize(Account.self) }
        #expect(error?.code == .unsupportedServer)
        #expect((error?.underlying as? MongoError)?.code == .serverTooOld)
        #expect(error?.message.contains("5.0") == true)
    }

    @Test("a port without a server is reported within the time for choosing a server")
    func noServer() async throws {
        let begin = ContinuousClock.now
        let uri = "mongodb://admin:s3cret@127.0.0.1:\(try closedPort())/?serverSelectionTimeoutMS=300"
        let error = try await failure(uri: uri, execute)
        #expect(error?.code == .unavailable)
        let underlying = try #require(error?.underlying as? MongoError)
        #expect(underlying.code == .noServer)
        #expect(underlying.message.contains("Check the URI"))
        #expect(!"\(String(describing: error))".contains("s3cret"))
        #expect(ContinuousClock.now - begin < .seconds(20))
    }

    @Test("a server that never answers, or not in the protocol, is reported", arguments: [true, false])
    func noAnswer(hangsUp: Bool) async throws {
        let server = try FakeServer { _ in hangsUp ? nil : ["ok": 0.0, "errmsg": "what?", "code": 59] }
        defer { server.close() }
        let uri = "mongodb://127.0.0.1:\(server.port)/?directConnection=true&serverSelectionTimeoutMS=500"
        let error = try await failure(uri: uri, execute)
        #expect(error?.code == .unavailable)
        #expect((error?.underlying as? MongoError)?.code == .noServer)
    }

    @Test("wrong, missing or insufficient credentials are reported", .enabled(if: OwnServer.isAvailable))
    func credentials() async throws {
        let users: [BSONDocument] = [
            ["createUser": "writer", "pwd": "wr1ter-s3cret", "roles": [["role": "root", "db": "admin"]]],
            ["createUser": "reader", "pwd": "re4der-s3cret", "roles": [["role": "readAnyDatabase", "db": "admin"]]],
        ]
        try await OwnServer.run(["--auth"], preparedBy: users) { server in
            func uri(_ user: String) -> String {
                "mongodb://\(user)127.0.0.1:\(server.port)/?authSource=admin&serverSelectionTimeoutMS=5000"
            }
            try await withDaybook(DaybookConfiguration(uri: uri("writer:wr1ter-s3cret@"), database: "daybook-test")) {
                store in
                try await store.initialize(Account.self)
                try await execute(store)
            }
            let wrong = try await failure(uri: uri("writer:wr0ng-s3cret@"), execute)
            #expect(wrong?.code == .unauthorized)
            #expect((wrong?.underlying as? MongoError)?.code == .authenticationFailed)
            #expect(wrong?.message.contains("credentials") == true)
            let unknown = try await failure(uri: uri("nobody:wr1ter-s3cret@"), execute)
            #expect((unknown?.underlying as? MongoError)?.code == .authenticationFailed)
            let missing = try await failure(uri: "mongodb://127.0.0.1:\(server.port)/", execute)
            #expect(missing?.code == .unauthorized)
            #expect((missing?.underlying as? MongoError)?.code == .unauthorized)
            let reader = try await failure(uri: uri("reader:re4der-s3cret@"), execute)
            #expect(reader?.code == .unauthorized)
            #expect((reader?.underlying as? MongoError)?.code == .unauthorized)
            for error in [wrong, unknown, missing, reader] {
                #expect(!String(reflecting: error).contains("s3cret"))
            }
        }
    }

    @Test(
        "a URI that cannot be used is refused",
        arguments: [
            "", "localhost", "http://127.0.0.1", "mongodb://", "mongodb://user:p@ss:w0rd@127.0.0.1/",
            "mongodb://user:p%zz@127.0.0.1/",
            "mongodb://127.0.0.1:99999/", "mongodb://127.0.0.1/?w=-5",
        ])
    func invalid(uri: String) async throws {
        let error = try await failure(uri: uri) { _ in }
        #expect(error?.code == .invalidConfiguration)
        let text = String(reflecting: error)
        for secret in ["p@ss", "w0rd", "p%zz"] { #expect(!text.contains(secret)) }
        #expect((error?.message.count ?? 0) > 20)
    }
}
