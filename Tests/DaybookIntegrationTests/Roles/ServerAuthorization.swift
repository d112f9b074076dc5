import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport

/// What the server at hand looks at before it lets a user do something.
enum ServerAuthorization {
    /// Whether it tells collections apart, as MongoDB does, and the local server by its amendments.
    static func tellsCollectionsApart() async throws -> Bool {
        try await answer.value
    }

    private static let answer = Task {
        guard try TestServer.asksForPasswords else { return false }
        return try await withRawDatabase { database in
            _ = try await database.write([
                "createRole": "one",
                "privileges": [["resource": ["db": .string(database.name), "collection": "open"], "actions": ["find"]]],
                "roles": [],
            ])
            let (user, password) = ("one-\(UUID().uuidString)", UUID().uuidString)
            _ = try await database.write(["createUser": .string(user), "pwd": .string(password), "roles": ["one"]])
            let client = try MongoClient(uri: ServerAddress(TestServer.uri).signingIn(user, password, knownTo: database.name).uri)
            let theirs = RawDatabase(client: client, name: database.name)
            _ = try await theirs.documents(in: "open")
            let isRefused = (try? await theirs.documents(in: "closed")) == nil
            await client.close()
            return isRefused
        }
    }
}

/// Runs `body` with the database as a user of one role sees it, past the library.
func withUser<R: Sendable>(_ role: RoleDefinition.Name, _ database: RawDatabase, _ body: (RawDatabase) async throws -> R)
    async throws -> R
{
    let client = try MongoClient(uri: try await database.uri(as: role))
    do {
        let result = try await body(RawDatabase(client: client, name: database.name))
        await client.close()
        return result
    } catch {
        await client.close()
        throw error
    }
}
