internal import DaybookMongo

extension DaybookStore {
    /// The roles of least privilege for this store's database: ``RoleDefinition/Name/application``, ``RoleDefinition/Name/reader`` and
    /// ``RoleDefinition/Name/operator``.
    ///
    /// ```swift
    /// for role in try store.roles(for: [License.self, Member.self]) { print(role.script) }
    /// ```
    ///
    /// - Parameter aggregates: Every one that keeps snapshots in this database, besides the store's own: MongoDB has no privilege for "the collections that begin with
    ///   snapshots".
    /// - Throws: ``DaybookError``: `invalidArgument`, `invalidConfiguration` as ``initialize(_:)-(Aggregate....)``.
    public func roles(for aggregates: [any Aggregate.Type] = []) throws -> [RoleDefinition] {
        do {
            return try DatabasePlan(database: database, aggregates: all(aggregates)).roles
        } catch {
            throw DaybookError.enriching(error, operation: "roles", aggregateID: nil)
        }
    }

    /// Makes the roles of ``roles(for:)`` that are not there yet. A user with `userAdmin` or `dbOwner` on the database can; who gets a role is
    /// theirs to say (`createUser`, `grantRolesToUser`).
    ///
    /// It may run again and again. A role that is there with other privileges, be they more or fewer, was made for other aggregates or by
    /// somebody: it is reported, and nothing is made. With `updating` it is set to exactly what ``roles(for:)`` says; privileges are never
    /// widened or taken away unasked.
    ///
    /// - Parameters:
    ///   - aggregates: Every one that keeps snapshots in this database, besides the store's own; also those of other services.
    ///   - updating: Whether a role that is there and says something else is changed.
    /// - Returns: The roles that were made or changed.
    /// - Throws: ``DaybookError``: `conflictingDefinition` with both definitions and the `updateRole` command, `unauthorized`, and as
    ///   ``roles(for:)``.
    @discardableResult
    public func createRoles(for aggregates: [any Aggregate.Type] = [], updating: Bool = false) async throws -> [RoleDefinition] {
        try await telemetry.perform("createRoles") {
            let creation = try RoleCreation(database: database, aggregates: all(aggregates))
            return try await client.withConnection(.single) { try creation.run(updating: updating, on: $0) }
        }
    }
}
