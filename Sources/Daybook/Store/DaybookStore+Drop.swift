internal import DaybookBSON
internal import DaybookMongo

extension DaybookStore {
    /// Drops the whole database, if a test made it.
    ///
    /// - Precondition: Its name begins with `test-`.
    package func dropTestDatabase() async throws {
        precondition(database.hasPrefix("test-"), "only a test's own database is dropped")
        let database = database
        try await telemetry.perform("drop") {
            _ = try await client.withConnection(.single) { try $0.write(["dropDatabase": 1], database: database) }
        }
    }
}
