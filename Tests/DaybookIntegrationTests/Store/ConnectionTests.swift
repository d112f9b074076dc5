import Daybook
import Foundation
import IntegrationSupport
import Testing

@Suite struct ConnectionTests {
    @Test("a server that cannot be reached is unavailable, in a sentence that helps", .timeLimit(.minutes(1)))
    func unreachable() async throws {
        // Port 1 (tcpmux) is one that nothing listens on.
        let uri = "mongodb://somebody:S3cret-pa55@127.0.0.1:1/?serverSelectionTimeoutMS=300&connectTimeoutMS=300"
        try await withDaybook(DaybookConfiguration(uri: uri, database: "nowhere")) { store in
            let accounts = store.repository(Account.self)
            var errors: [DaybookError?] = []
            errors.append(await #expect(throws: DaybookError.self) { try await accounts.load("a") })
            errors.append(await #expect(throws: DaybookError.self) { try await accounts.execute(.deposit(1), on: "a") })
            errors.append(await #expect(throws: DaybookError.self) { try await store.initialize(Account.self) })
            errors.append(await #expect(throws: DaybookError.self) { for try await _ in accounts.query() {} })
            errors.append(await #expect(throws: DaybookError.self) { for try await _ in try accounts.history("a") {} })
            errors.append(
                await #expect(throws: DaybookError.self) {
                    try await store.transaction { try await $0.load("a", of: Account.self) }
                })
            for error in errors {
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("Check the URI") == true, "\(String(describing: error?.message))")
                #expect(error.map { "\($0) \(String(reflecting: $0))" }?.contains("S3cret-pa55") == false)
            }
            #expect(errors.map(\.?.operation) == ["load", "execute", "initialize", "query", "history", "transaction"])
        }
    }

    @Test(
        "a URI that cannot be used is an invalid configuration, and the error does not show the password",
        arguments: [
            "", "nonsense", "http://u:S3cret-pa55@host/", "mongodb://", "mongodb://u:S3cret-pa55@",
            "mongodb://u:S3cret-pa55%zz@host/",
            "mongodb://u:S3cret-pa55/@host:27017/", "mongodb://u:S3cret-pa55@host:port/",
            "mongodb://u:S3cret-pa55:x@host/",
            "mongodb://u@v:S3cret-pa55@host/", "mongodb://u:S3cret-pa55@host:99999/",
            "mongodb://u:S3cret-pa55@host/?tls=true&tlsInsecure=true&tlsAllowInvalidCertificates=true",
            "mongodb+srv://u:S3cret-pa55@a.example,b.example/",
        ])
    func badURI(uri: String) {
        let error = #expect(throws: DaybookError.self) { try DaybookStore(DaybookConfiguration(uri: uri)) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.isEmpty == false)
        #expect(error.map { "\($0) \(String(reflecting: $0))" }?.contains("S3cret") == false)
    }

    @Test(
        "a name that no MongoDB database can have is an invalid configuration",
        arguments: ["", "a/b", "a.b", "a b", "a$b", "a\"b", "a\u{0}b", String(repeating: "d", count: 64)])
    func badDatabase(name: String) {
        let error = #expect(throws: DaybookError.self) {
            try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1/", database: name))
        }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test("the database is the configuration's, else the URI's, else daybook")
    func database() throws {
        let uri = "mongodb://127.0.0.1/ledger"
        #expect(try DaybookStore(DaybookConfiguration(uri: uri, database: "own")).database == "own")
        #expect(try DaybookStore(DaybookConfiguration(uri: uri)).database == "ledger")
        #expect(try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1/")).database == "daybook")
    }

    @Test("a store that was closed refuses what comes after", .timeLimit(.minutes(1)))
    func closed() async throws {
        try await withTestStore { prepared in
            let store = try DaybookStore(DaybookConfiguration(uri: try TestServer.uri, database: prepared.database))
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(1), on: "a")
            await store.close()
            let execute = await #expect(throws: DaybookError.self) { try await accounts.execute(.deposit(1), on: "a") }
            #expect(execute?.code == .closed)
            let query = await #expect(throws: DaybookError.self) { for try await _ in accounts.query() {} }
            #expect(query?.code == .closed)
            await store.close()
            #expect(try await prepared.repository(Account.self).load("a").version == 1)
        }
    }
}
