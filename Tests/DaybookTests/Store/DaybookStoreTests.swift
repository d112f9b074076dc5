@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import Testing

@Suite("DaybookStore")
struct DaybookStoreTests {
    // MARK: Configuration

    @Test("a configuration has the defaults that its documentation states")
    func defaults() {
        let configuration = DaybookConfiguration(uri: "mongodb://host/")
        #expect(configuration.uri == "mongodb://host/")
        #expect(configuration.database == nil)
        #expect(configuration.appName == "daybook")
        #expect(configuration.maximumConnections == 16)
        #expect(configuration.connectionTimeout == .seconds(10))
        #expect(configuration.commitTimeout == .seconds(90))
    }

    @Test(
        "the database is the configuration's, else the URI's, else daybook",
        arguments: [
            ("mongodb://host/tenant", "other", "other"), ("mongodb://host/tenant", nil, "tenant"),
            ("mongodb://host/", nil, "daybook"),
            ("mongodb://host", "other", "other"), ("mongodb://host/?w=majority", nil, "daybook"),
        ] as [(String, String?, String)])
    func database(uri: String, database: String?, expected: String) throws {
        #expect(try DaybookStore(DaybookConfiguration(uri: uri, database: database)).database == expected)
    }

    @Test(
        "a name that MongoDB does not take for a database is refused",
        arguments: [
            "", " ", "a b", "a.b", "a/b", "a\\b", "a\"b", "$a", "a$", "a*b", "a<b", "a>b", "a:b", "a|b", "a?b", "a\0b",
            "\0",
            String(repeating: "a", count: 64), String(repeating: "é", count: 32),
        ])
    func refusedDatabase(name: String) {
        let error = #expect(throws: DaybookError.self) {
            try DaybookStore(DaybookConfiguration(uri: "mongodb://host/", database: name))
        }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test(
        "any other database name is accepted",
        arguments: [
            "a", "A-1_é", "tenant-42", String(repeating: "a", count: 63), String(repeating: "é", count: 31) + "x",
        ])
    func acceptedDatabase(name: String) throws {
        #expect(try DaybookStore(DaybookConfiguration(uri: "mongodb://host/", database: name)).database == name)
    }

    @Test(
        "a URI that cannot be used is refused before anything is run, without its password",
        arguments: [
            "mongodb://alice:hunter2@host:port/", "mongodb://alice:hunter2@/", "mongodb://alice:hunter2%@host/",
            "mongodb://alice:hunter2@host/?tls=maybe", "http://alice:hunter2@host/", "alice:hunter2@host", "hunter2",
            "",
        ])
    func wrongURI(uri: String) async {
        let error = await #expect(throws: DaybookError.self) {
            try await withDaybook(DaybookConfiguration(uri: uri)) { _ in Issue.record("it ran") }
        }
        #expect(error?.code == .invalidConfiguration)
        for text in [error.map { "\($0)" }, error.map { String(reflecting: $0) }, error?.localizedDescription] {
            #expect(text?.contains("hunter2") == false)
        }
    }

    // MARK: Input and output

    @Test("making a store, its repositories, histories and queries connects to nothing; the first operation does")
    func laziness() async throws {
        let server = try SilentServer()
        let uri =
            "mongodb://alice:hunter2@127.0.0.1:\(server.port)/tenant?serverSelectionTimeoutMS=100&connectTimeoutMS=100"
            + "&socketTimeoutMS=100"
        let store = try DaybookStore(DaybookConfiguration(uri: uri))
        let parcels = store.repository(Parcel.self)
        let history = try parcels.history("P-1")
        var events = history.makeAsyncIterator()
        let query = parcels.query(where: \.scans == 1)
        _ = query.makeAsyncIterator()
        #expect(store.client.connectionsInUse == 0)
        #expect(!server.hasVisitor)

        let error = await #expect(throws: DaybookError.self) { try await events.next() }
        #expect(server.hasVisitor)
        #expect(error?.code == .unavailable)
        #expect(error?.operation == "history")
        #expect(error?.aggregateID == "parcel/P-1")
        #expect(error.map { "\($0)".contains("hunter2") } == false)
        #expect(store.client.connectionsInUse == 0)
    }

    @Test("without a server at its port, every operation reports that for its aggregate, without the password")
    func closedPort() async throws {
        let uri = "mongodb://alice:hunter2@127.0.0.1:1/tenant?serverSelectionTimeoutMS=10"
        let store = try DaybookStore(DaybookConfiguration(uri: uri))
        let parcels = store.repository(Parcel.self)
        let operations: [(String, String?, @Sendable () async throws -> Void)] = [
            ("initialize", nil, { try await store.initialize(Parcel.self) }),
            ("load", "parcel/P-1", { _ = try await parcels.load("P-1") }),
            ("load", "parcel/P-1", { _ = try await parcels.load("P-1", at: .version(1)) }),
            ("execute", "parcel/P-1", { try await parcels.execute(.lose, on: "P-1") }),
            ("append", "parcel/P-1", { try await parcels.append([.lost], to: "P-1", expecting: 0) }),
            ("history", "parcel/P-1", { for try await _ in try parcels.history("P-1") {} }),
            ("query", nil, { for try await _ in parcels.query() {} }),
            (
                "transaction", nil,
                { _ = try await store.transaction { try await $0.execute(.lose, on: "P-1", of: Parcel.self) } }
            ),
        ]
        for (name, id, operation) in operations {
            let error = await #expect(throws: DaybookError.self, "\(name)") { try await operation() }
            #expect(error?.code == .unavailable)
            #expect(error?.operation == name)
            #expect(error?.aggregateID == id)
            #expect(error.map { "\($0)".contains("hunter2") } == false)
        }
        #expect(store.client.connectionsInUse == 0)
    }

    @Test("a wrong key or command id is refused before any server is asked")
    func arguments() async throws {
        let store = try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=10"))
        let parcels = store.repository(Parcel.self)
        let operations: [@Sendable () async throws -> Void] = [
            { _ = try await parcels.load("") }, { _ = try await parcels.load("a\nb", at: .version(1)) },
            { _ = try parcels.history("e\u{301}") }, { try await parcels.execute(.lose, on: "") },
            { try await parcels.execute(.lose, on: "P-1", commandID: "") },
            { try await parcels.execute(.lose, on: "P-1", commandID: "a\u{7F}") },
            { try await parcels.execute(.lose, on: "P-1", commandID: String(repeating: "a", count: 257)) },
            { try await parcels.append([], to: String(repeating: "a", count: 257), expecting: 0) },
            { try await parcels.append([], to: "P-1", expecting: 0, commandID: "e\u{301}") },
        ]
        for operation in operations {
            let error = await #expect(throws: DaybookError.self) { try await operation() }
            #expect(error?.code == .invalidArgument)
        }
    }

    // MARK: Closing

    @Test("a closed store refuses every operation, without asking a server")
    func closed() async throws {
        let server = try SilentServer()
        let store = try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1:\(server.port)/"))
        await store.close()
        await store.close()
        let parcels = store.repository(Parcel.self)
        for operation in [
            { _ = try await parcels.load("P-1") }, { try await parcels.execute(.lose, on: "P-1") },
            { for try await _ in parcels.query() {} }, { for try await _ in try parcels.history("P-1") {} },
        ] as [@Sendable () async throws -> Void] {
            let error = await #expect(throws: DaybookError.self) { try await operation() }
            #expect(error?.code == .closed)
        }
        #expect(!server.hasVisitor)
    }

    @Test("withDaybook gives what its body gives, throws what it throws, and closes the store either way")
    func scoped() async throws {
        struct Own: Error, Equatable {}
        let configuration = DaybookConfiguration(uri: "mongodb://127.0.0.1:1/")
        let kept = try await withDaybook(configuration) { $0 }
        var failed: DaybookStore?
        await #expect(throws: Own()) {
            try await withDaybook(configuration) { store in
                failed = store
                throw Own()
            }
        }
        for store in [kept, try #require(failed)] {
            let error = await #expect(throws: DaybookError.self) { try await store.repository(Parcel.self).load("P-1") }
            #expect(error?.code == .closed)
        }
    }
}
