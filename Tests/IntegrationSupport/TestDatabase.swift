public import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// The server that the tests use: `DAYBOOK_URI`, which `scripts/test` sets.
public enum TestServer {
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
}

/// Runs `body` with a store on a database of its own, prepared for ``Account``, and drops the database afterwards.
public func withTestStore<R: Sendable>(
    configure: (inout DaybookConfiguration) -> Void = { _ in }, _ body: (DaybookStore) async throws -> R
) async throws -> R {
    var configuration = DaybookConfiguration(uri: try TestServer.uri, database: "test-\(UUID().uuidString.lowercased())")
    configure(&configuration)
    return try await withDaybook(configuration) { store in
        do {
            try await store.initialize(Account.self)
            let result = try await body(store)
            try await drop(store.database)
            return result
        } catch {
            try? await drop(store.database)
            throw error
        }
    }
}

private func drop(_ database: String) async throws {
    let client = try MongoClient(uri: try TestServer.uri)
    _ = try await client.withConnection(.single) { try $0.write(["dropDatabase": 1], database: database) }
    await client.close()
}
