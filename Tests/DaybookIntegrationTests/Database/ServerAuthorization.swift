import Daybook
import DaybookMongo
import IntegrationSupport

/// Runs `body` with the database as a user of one role sees it, past the library.
func withUser<R: Sendable>(
    _ role: RoleDefinition.Name, _ database: RawDatabase, _ body: (RawDatabase) async throws -> R
)
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
