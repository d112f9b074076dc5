internal import DaybookBSON
package import DaybookMongo

/// Creates the roles that a database lacks.
package struct RoleCreation: Sendable {
    let plan: DatabasePlan

    init(_ plan: DatabasePlan) {
        self.plan = plan
    }

    /// - Throws: See ``DatabasePlan``.
    package init(
        database: String, aggregates: [any Aggregate.Type], keeping kept: [DatabasePlan.KeptCollection] = []
    ) throws {
        plan = try DatabasePlan(database: database, aggregates: aggregates, keeping: kept)
    }

    /// - Returns: The roles that were created or changed.
    package func run(updating: Bool, on connection: isolated MongoConnection) throws -> [RoleDefinition] {
        do {
            var (lacking, other) = try compare(on: connection)
            if !updating, !other.isEmpty { throw conflict(other) }
            var done: [RoleDefinition] = []
            for role in lacking {
                do {
                    _ = try connection.write(role.createRoleCommand, database: plan.database)
                    done.append(role)
                } catch {
                    // Another process has created the role first, with the same definition or another one.
                    guard error.serverError == .roleExists else { throw error }
                    other = try compare(on: connection).other
                    if !updating, !other.isEmpty { throw conflict(other) }
                }
            }
            for (role, _) in other {
                _ = try connection.write(role.updateRoleCommand, database: plan.database)
                done.append(role)
            }
            return done
        } catch let error as MongoError {
            guard error.code == .unauthorized else { throw error }
            throw DaybookError(
                .unauthorized,
                "this user may not manage the roles of the database \"\(plan.database)\": that takes userAdmin or "
                    + "dbOwner on it, or whoever has that runs the script of each role of DaybookStore.roles(for:)",
                underlying: error)
        }
    }

    /// The roles that are missing, and those that have another definition.
    private func compare(
        on connection: isolated MongoConnection
    ) throws -> (lacking: [RoleDefinition], other: [(wanted: RoleDefinition, found: BSONDocument)]) {
        var lacking: [RoleDefinition] = []
        var other: [(wanted: RoleDefinition, found: BSONDocument)] = []
        for role in plan.roles {
            let command: BSONDocument = ["rolesInfo": .string(role.name.rawValue), "showPrivileges": true]
            let reply = try connection.read(command, database: plan.database)
            if case .array(let found) = reply["roles"], case .document(let found) = found.first {
                if !role.isSame(as: found) { other.append((role, found)) }
            } else {
                lacking.append(role)
            }
        }
        return (lacking, other)
    }

    private func conflict(_ roles: [(wanted: RoleDefinition, found: BSONDocument)]) -> DaybookError {
        DaybookError(
            roles.map { wanted, found in
                var shown = BSONDocument()
                for key in ["role", "db", "privileges", "roles"] {
                    if let value = found[key] { try? shown.append(key, value) }
                }
                return DefinitionConflict(
                    subject: "the role \"\(wanted.name.rawValue)\"",
                    reason: "has other privileges; createRoles changes them when it is told to (updating)",
                    found: Shell.json(shown), wanted: Shell.json(wanted.createRoleCommand),
                    remedy: [Shell.command(wanted.updateRoleCommand, in: plan.database)])
            }, in: plan.database)
    }
}

extension RoleDefinition {
    /// Whether the server's description of a role grants exactly these privileges, in any order.
    func isSame(as description: BSONDocument) -> Bool {
        if case .array(let roles) = description["roles"], !roles.isEmpty { return false }
        guard case .array(let found) = description["privileges"] else { return false }
        var actions: [BSONDocument: Set<String>] = [:]
        for case .document(let privilege) in found {
            guard case .document(let resource) = privilege["resource"], case .array(let names) = privilege["actions"]
            else {
                return false
            }
            for case .string(let name) in names { actions[resource.sorted, default: []].insert(name) }
        }
        let wanted = Dictionary(
            uniqueKeysWithValues: privileges.map { privilege in
                let resource: BSONDocument = [
                    "collection": .string(privilege.collection ?? ""), "db": .string(database),
                ]
                return (resource, Set(privilege.actions.map(\.rawValue)))
            })
        return actions == wanted
    }
}

extension BSONDocument {
    /// The document with its fields in the order of their keys.
    fileprivate var sorted: BSONDocument {
        var sorted = BSONDocument()
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) { try? sorted.append(key, value) }
        return sorted
    }
}
