extension DatabasePlan {
    var roles: [RoleDefinition] { [application, reader, `operator`] }

    private typealias Actions = Set<RoleDefinition.Action>

    /// For queries, their cursors, and the check that the journal has its indexes.
    private static let reading: Actions = [.find, .listIndexes, .killCursors]
    /// The first insert creates a missing collection, for which MongoDB requires only `insert`.
    private static let writing: Actions = reading.union([.insert, .update, .remove])
    private static let appending: Actions = reading.union([.insert])
    private static let keeping: Actions = writing.union([
        .createCollection, .dropCollection, .renameCollectionSameDB, .createIndex, .dropIndex, .collMod,
    ])

    private var application: RoleDefinition {
        role(.application) {
            $0[journal.name] = Self.appending
            for snapshots in snapshots { $0[snapshots.name] = Self.writing }
            // A projection whose code has changed is built beside the one in use, by a process of the application.
            for name in keptNames { $0[name] = Self.keeping }
            for control in [ControlCollection.leases, .checkpoints, .marks, .subscriptions, .deadLetters] {
                $0[control.rawValue] = Self.writing
            }
            // A process of the application may finish the rebuild of a projection that an operator began.
            $0[ControlCollection.runs.rawValue] = kept.isEmpty ? Self.reading : Self.reading.union([.update])
        }
    }

    private var reader: RoleDefinition {
        role(.reader) {
            for collection in [journal] + snapshots + kept.map(\.collection) + [Self.marks] {
                $0[collection.name] = Self.reading
            }
            $0[ControlCollection.runs.rawValue] = Self.reading
            // How far the subscriptions are, and what they could not handle.
            for control in [ControlCollection.checkpoints, .subscriptions, .deadLetters] where !kept.isEmpty {
                $0[control.rawValue] = Self.reading
            }
        }
    }

    /// A rebuild renames its collection over the one in use. The privilege `renameCollectionSameDB` on the whole
    /// database would allow moving the journal. Without it MongoDB requires `find` and `dropCollection` on the source,
    /// and `insert`, `createIndex` and `dropCollection` on the target.
    private var `operator`: RoleDefinition {
        role(.operator) {
            $0[journal.name] = Self.appending
            for snapshots in snapshots {
                $0[snapshots.name] = Self.keeping
                for build in Self.rebuildCollections(of: snapshots.name) { $0[build] = Self.keeping }
            }
            for name in keptNames { $0[name] = Self.keeping }
            for control in ControlCollection.allCases { $0[control.rawValue] = Self.writing }
            $0[Self.marks.name] = Self.writing.union([.createCollection, .createIndex])
        }
    }

    /// The collections of subscriptions, each with the one that is built beside it.
    private var keptNames: [String] {
        kept.flatMap { [$0.collection.name, CollectionName.build(of: $0.collection.name)] }
    }

    /// The tail is a change stream of the whole database, since it also shows the marks. MongoDB has no narrower
    /// privilege for that than reading every collection of the database.
    /// https://www.mongodb.com/docs/manual/changeStreams/#access-control
    private static let following: Actions = [.find, .changeStream]

    private func role(_ name: RoleDefinition.Name, _ fill: (inout [String: Actions]) -> Void) -> RoleDefinition {
        var actions: [String: Actions] = [:]
        fill(&actions)
        let rebuilds = snapshots.flatMap { Self.rebuildCollections(of: $0.name) }
        let order =
            ([journal] + snapshots).map(\.name) + rebuilds + keptNames + ControlCollection.allCases.map(\.rawValue)
        let privileges = order.compactMap { name in
            actions[name].map { RoleDefinition.Privilege(collection: name, actions: $0) }
        }
        let following = name == .reader ? [] : Self.following
        return RoleDefinition(
            name: name, database: database,
            privileges: privileges + [.init(collection: nil, actions: following.union([.listCollections]))])
    }
}
