internal import DaybookMongo

extension DaybookStore {
    /// The roles of least privilege for this store's database: ``RoleDefinition/Name/application``,
    /// ``RoleDefinition/Name/reader`` and ``RoleDefinition/Name/operator``.
    ///
    /// ```swift
    /// for role in try store.roles(for: [License.self, Member.self]) { print(role.script) }
    /// ```
    ///
    /// - Parameter aggregates: All aggregates that keep snapshots in this database, besides the store's own. MongoDB
    ///   has no privilege for "the collections that begin with snapshots".
    /// - Throws: ``DaybookError``: `invalidArgument`, `invalidConfiguration` as ``initialize(_:)-(Aggregate....)``.
    public func roles(for aggregates: [any Aggregate.Type] = []) throws -> [RoleDefinition] {
        do {
            return try DatabasePlan(database: database, aggregates: all(aggregates), keeping: keptCollections()).roles
        } catch {
            throw DaybookError.enriching(error, operation: "roles", aggregateID: nil)
        }
    }

    /// Creates those roles of ``roles(for:)`` that are missing. A user with `userAdmin` or `dbOwner` on the database
    /// may do that. That user also decides who gets a role (`createUser`, `grantRolesToUser`).
    ///
    /// It may run again and again. An existing role with other privileges, more or fewer, was made for other aggregates
    /// or by hand: it is reported, and no role is created. With `updating` it is set to exactly what ``roles(for:)``
    /// returns; otherwise privileges are never added or removed.
    ///
    /// - Parameters:
    ///   - aggregates: All aggregates that keep snapshots in this database, besides the store's own; also those of
    ///     other services.
    ///   - updating: Whether to change an existing role that has other privileges.
    /// - Returns: The roles that were created or changed.
    /// - Throws: ``DaybookError``: `conflictingDefinition` with both definitions and the `updateRole` command,
    ///   `unauthorized`, and as ``roles(for:)``.
    @discardableResult
    public func createRoles(for aggregates: [any Aggregate.Type] = [], updating: Bool = false) async throws
        -> [RoleDefinition]
    {
        try await telemetry.perform("createRoles") {
            let creation = try RoleCreation(
                database: database, aggregates: all(aggregates), keeping: keptCollections())
            return try await client.withConnection(.single) { try creation.run(updating: updating, on: $0) }
        }
    }
}
