public import DaybookBSON

/// A role of least privilege in a store's database, as a value: to be looked at, made by ``DaybookStore/createRoles(for:updating:)``, or given
/// to whoever keeps the server.
///
/// None of them may update or remove an event of the journal, and none may index, change, rename or drop the journal itself: that takes an
/// administrator.
///
/// https://www.mongodb.com/docs/manual/core/collection-level-access-control/
public struct RoleDefinition: Sendable, Hashable {
    /// What each role is for.
    public enum Name: String, Sendable, CaseIterable {
        /// A service: everything of a store but ``DaybookStore/initialize(_:)-(Aggregate....)`` where something is to be made.
        case application = "daybookApplication"
        /// An analyst: reads events, snapshots, and the records of repairs.
        case reader = "daybookReader"
        /// An operator: what the application may, and whatever snapshot collections need: to be made, changed, renamed, dropped.
        case `operator` = "daybookOperator"
    }

    /// What may be done with a collection: https://www.mongodb.com/docs/manual/reference/privilege-actions/
    public enum Action: String, Sendable, CaseIterable, Comparable {
        case changeStream, collMod, createCollection, createIndex, dropCollection, dropIndex, find, insert, killCursors,
            listCollections,
            listIndexes, remove, renameCollectionSameDB, update

        public static func < (left: Action, right: Action) -> Bool { left.rawValue < right.rawValue }
    }

    /// Some actions on one collection, or on the database.
    public struct Privilege: Sendable, Hashable {
        /// Nil for the whole database.
        public let collection: String?
        public let actions: Set<Action>
    }

    /// Which of the roles it is.
    public let name: Name
    /// The database that has the role, and the only one it is about.
    public let database: String
    /// In the order of journal, snapshots, control collections, database; each collection once.
    public let privileges: [Privilege]

    /// Whether the role allows `action` on a collection.
    public func allows(_ action: Action, on collection: String) -> Bool {
        privileges.contains { ($0.collection == nil || $0.collection == collection) && $0.actions.contains(action) }
    }

    /// The command that makes the role, for its database: https://www.mongodb.com/docs/manual/reference/command/createRole/
    public var createRoleCommand: BSONDocument { command("createRole") }

    /// The command that makes the role what this value says, whatever it was.
    public var updateRoleCommand: BSONDocument { command("updateRole") }

    /// ``createRoleCommand`` for mongosh.
    public var script: String { Shell.command(createRoleCommand, in: database) }

    private func command(_ verb: String) -> BSONDocument {
        var command = BSONDocument()
        // Fails only for a key with NUL, or at 2 GiB.
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
