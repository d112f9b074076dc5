public import Daybook
internal import DaybookBSON
package import DaybookMongo
package import DaybookSubscriptions
internal import Foundation
internal import SampleAggregates

/// The server that the tests use: `DAYBOOK_URI`, which `scripts/test` sets.
public enum TestServer {
    /// As whoever may do everything there.
    public static var uri: String {
        get throws {
            guard let uri = ProcessInfo.processInfo.environment["DAYBOOK_URI"], !uri.isEmpty else { throw Missing() }
            return uri
        }
    }

    public struct Missing: Error, CustomStringConvertible {
        public let description =
            "The integration tests need a server: run scripts/test, or set DAYBOOK_URI to what scripts/mongo up prints."
    }

    /// Whether the server lets in only whom it knows. Otherwise there are no users, and every store is everybody's.
    package static var asksForPasswords: Bool {
        get throws { try ServerAddress(uri).credentials != nil }
    }

    /// Connections of whoever may do everything, for what happens behind a store's back; one client for the process.
    package static var administrator: MongoClient {
        get throws { try sharedAdministrator.get() }
    }

    // The local server takes minutes to drop what the largest tests leave.
    private static let sharedAdministrator = Result { try MongoClient(uri: uri, socketTimeout: .seconds(600)) }
}

/// What ``withTestStore(for:as:configure:_:)`` prepares a database for.
package let testAggregates: [any Aggregate.Type] = [Account.self, Ticket.self, Notebook.self, Tally.self, Meter.self]

/// Runs `body` with a store on a database of its own, and drops the database afterwards.
///
/// The administrator prepares it. Where the server asks for passwords, the store is a user's who has one role: what a
/// service has in production. So whatever the library does in `body` is allowed to that role, as MongoDB would have it.
public func withTestStore<R: Sendable>(
    configure: (inout DaybookConfiguration) -> Void = { _ in }, _ body: (DaybookStore) async throws -> R
) async throws -> R {
    try await withTestStore(for: testAggregates, configure: configure, body)
}

/// As ``withTestStore(configure:_:)``, for other aggregates or another role.
package func withTestStore<R: Sendable>(
    for aggregates: [any Aggregate.Type], as role: RoleDefinition.Name = .application,
    configure: (inout DaybookConfiguration) -> Void = { _ in }, _ body: (DaybookStore) async throws -> R
) async throws -> R {
    try await withRawDatabase { database in
        try await database.prepare(for: aggregates)
        var configuration = DaybookConfiguration(uri: try await database.uri(as: role), database: database.name)
        configure(&configuration)
        return try await withDaybook(configuration, body)
    }
}

/// As ``withTestStore(for:as:configure:_:)``, with subscriptions, which nothing runs yet.
package func withTestStore<R: Sendable>(
    for aggregates: [any Aggregate.Type], subscriptions: [Subscription], as role: RoleDefinition.Name = .application,
    configure: (inout DaybookConfiguration) -> Void = { _ in }, _ body: (DaybookStore) async throws -> R
) async throws -> R {
    try await withRawDatabase { database in
        try await database.prepare(for: aggregates, keeping: subscriptions.flatMap { try $0.collections() })
        var configuration = DaybookConfiguration(uri: try await database.uri(as: role), database: database.name)
        configure(&configuration)
        let store = try DaybookStore(configuration, aggregates: aggregates, subscriptions: subscriptions)
        do {
            let result = try await body(store)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }
}

/// Runs `body` with a name nothing has been stored under, as the administrator, and drops what is there afterwards.
package func withRawDatabase<R: Sendable>(_ body: (RawDatabase) async throws -> R) async throws -> R {
    let database = RawDatabase(client: try TestServer.administrator, name: "test-\(UUID().uuidString.lowercased())")
    do {
        let result = try await body(database)
        try await database.drop()
        return result
    } catch {
        try? await database.drop()
        throw error
    }
}

extension RawDatabase {
    /// Makes what a store for `aggregates` needs, and, where there are users, the roles.
    package func prepare(
        for aggregates: [any Aggregate.Type], keeping kept: [DatabasePlan.KeptCollection] = []
    ) async throws {
        let preparation = try DatabasePreparation(database: name, aggregates: aggregates, keeping: kept)
        let roles =
            try TestServer.asksForPasswords
            ? RoleCreation(database: name, aggregates: aggregates, keeping: kept) : nil
        try await client.withConnection(.single) { connection in
            try await preparation.run(on: connection)
            _ = try roles?.run(updating: true, on: connection)
        }
    }

    /// A URI for a new user of one role; everybody's where there are no users.
    ///
    /// Each new connection costs the driver 15,000 rounds of hashing with SCRAM-SHA-256, and 10,000 cheaper ones with
    /// SCRAM-SHA-1: that is most of what a test pays for its user.
    package func uri(as role: RoleDefinition.Name) async throws -> String {
        guard try TestServer.asksForPasswords else { return try TestServer.uri }
        let user = "\(role.rawValue)-\(UUID().uuidString)"
        let password = UUID().uuidString
        _ = try await write([
            "createUser": .string(user), "pwd": .string(password), "mechanisms": ["SCRAM-SHA-1"],
            "roles": [["role": .string(role.rawValue), "db": .string(name)]],
        ])
        var address = try ServerAddress(TestServer.uri).signingIn(user, password, knownTo: name)
        address.options.append("authMechanism=SCRAM-SHA-1")
        return address.uri
    }

    fileprivate func drop() async throws {
        _ = try await write(["dropDatabase": 1])
        guard try TestServer.asksForPasswords else { return }
        _ = try await write(["dropAllUsersFromDatabase": 1])
        _ = try await write(["dropAllRolesFromDatabase": 1])
    }
}
