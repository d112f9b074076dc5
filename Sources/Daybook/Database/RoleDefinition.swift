public import DaybookBSON

/// A role of least privilege in a store's database, as a value: to be inspected, to be created by
/// ``DaybookStore/createRoles(for:updating:)``, or for the server's administrator to create.
///
/// No role may update or remove an event of the journal, and none may index, change, rename or drop the journal itself:
/// that requires an administrator.
///
/// https://www.mongodb.com/docs/manual/core/collection-level-access-control/
public struct RoleDefinition: Sendable, Hashable {
    /// What each role is for.
    public enum Name: String, Sendable, CaseIterable {
        /// A service: everything a store does, except that ``DaybookStore/initialize(_:)-(Aggregate....)`` cannot
        /// create what is missing. It may read every collection of the database: MongoDB has no narrower privilege for
        /// following a database. https://www.mongodb.com/docs/manual/changeStreams/#access-control
        case application = "daybookApplication"
        /// An analyst: reads events, snapshots, and the records of repairs.
        case reader = "daybookReader"
        /// An operator: what the application may do, and also create, change, rename and drop snapshot collections.
        case `operator` = "daybookOperator"
    }

    /// An action on a collection: https://www.mongodb.com/docs/manual/reference/privilege-actions/
    public enum Action: String, Sendable, CaseIterable, Comparable {
        case changeStream, collMod, createCollection, createIndex, dropCollection, dropIndex, find, insert, killCursors,
            listCollections,
            listIndexes, remove, renameCollectionSameDB, update

        public static func < (left: Action, right: Action) -> Bool { left.rawValue < right.rawValue }
    }

    /// Actions on one collection, or on the whole database.
    public struct Privilege: Sendable, Hashable {
        /// Nil for the whole database.
        public let collection: String?
        /// What may be done there.
        public let actions: Set<Action>
    }

    /// Which of the roles this is.
    public let name: Name
    /// The database that the role belongs to, and the only one that it grants privileges on.
    public let database: String
    /// Each collection once, in this order: journal, snapshots, control collections, database.
    public let privileges: [Privilege]

    /// Whether the role allows `action` on a collection.
    public func allows(_ action: Action, on collection: String) -> Bool {
        privileges.contains { ($0.collection == nil || $0.collection == collection) && $0.actions.contains(action) }
    }

    /// The command that creates the role, to be run on its database:
    /// https://www.mongodb.com/docs/manual/reference/command/createRole/
    public var createRoleCommand: BSONDocument { command("createRole") }

    /// The command that replaces the role's definition with this one.
    public var updateRoleCommand: BSONDocument { command("updateRole") }

    /// ``createRoleCommand`` for mongosh.
    public var script: String { Shell.command(createRoleCommand, in: database) }

    private func command(_ verb: String) -> BSONDocument {
        var command = BSONDocument()
        // Fails only for a key with NUL, or at 2 GiB; neither can happen here.
        try? command.append(verb, .string(name.rawValue))
        try? command.append("privileges", .array(privileges.map { .document($0.document(in: database)) }))
        try? command.append("roles", [])
        return command
    }
}

extension RoleDefinition.Privilege {
    func document(in database: String) -> BSONDocument {
        [
            "resource": ["db": .string(database), "collection": .string(collection ?? "")],
            "actions": .array(actions.sorted().map { .string($0.rawValue) }),
        ]
    }
}
