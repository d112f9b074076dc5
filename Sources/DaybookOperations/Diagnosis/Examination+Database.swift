internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

extension Examination {
    /// Whether this user may read the collections that Daybook reads.
    var access: [Look] {
        collections.map { collection in
            let name = collection.name
            return Look(name: "access to \(name)", privilege: "find on \(name)") { connection in
                try reachable(name, on: connection)
            }
        }
    }

    private func reachable(_ name: String, on connection: isolated MongoConnection) throws -> [Diagnosis.Check] {
        _ = try connection.findOne([:], in: namespace(name), options: FindOptions(projection: ["_id": 1])) { _ in }
        // Report nothing here: the check of the collection's definition already reports one line for each collection.
        return []
    }

    /// Whether each collection exists, with the indexes and the validator that it needs.
    var definitions: [Look] {
        let database = store.database
        return collections.map { collection in
            let privilege = "listCollections on the database \(database), and listIndexes on \(collection.name)"
            return Look(name: collection.name, privilege: privilege) { connection in
                let inspection = try DatabaseInspection(of: [collection], in: database, on: connection)
                let conflicts = inspection.conflicts.map { conflict in
                    Diagnosis.Check(
                        collection.name, .problem,
                        "\(conflict.subject) \(conflict.reason)\n  found:  \(conflict.found)\n  wanted: "
                            + "\(conflict.wanted)",
                        remedy: "In mongosh:\n" + conflict.remedy.map { "  \($0)" }.joined(separator: "\n"))
                }
                var checks = conflicts
                if !inspection.missing.isEmpty {
                    // Without them, marks are only never deleted.
                    let isMinor = collection.name == ControlCollection.marks.rawValue
                    checks.append(
                        Diagnosis.Check(
                            collection.name, isMinor ? .warning : .problem,
                            "\(inspection.lacking) \(inspection.lacksOne ? "is" : "are") missing",
                            remedy: "Run init as a user with the role dbOwner on \(database)"
                                + (collection.isJournal ? "." : ", or daybookOperator.")))
                }
                if !inspection.unfinished.isEmpty {
                    let effect =
                        collection.isJournal ? "no commit is accepted until it is done" : "queries do not use it yet"
                    checks.append(
                        Diagnosis.Check(
                            collection.name, collection.isJournal ? .problem : .warning,
                            "\(inspection.building): the server is still building it; \(effect)",
                            remedy: "Wait, or run init, which returns when it is built. How far it is, in mongosh:\n"
                                + "  db.currentOp({ \"command.createIndexes\": \(Shell.quoted(collection.name)) })"))
                }
                return checks.isEmpty ? [Diagnosis.Check(collection.name, .ok, Self.described(collection))] : checks
            }
        }
    }

    private static func described(_ collection: DatabasePlan.Collection) -> String {
        let indexes = collection.indexes.count
        let count = indexes == 0 ? "no index of its own" : indexes == 1 ? "its index" : "its \(indexes) indexes"
        return collection.isJournal ? "there, with its validator and \(count)" : "there, with \(count)"
    }

    /// Collections that an unfinished rebuild has not removed.
    var leftovers: Look {
        let database = store.database
        return Look(
            name: "leftovers",
            privilege: "listCollections on the database \(database), and find on \(ControlCollection.runs)"
        ) { connection in
            let command: BSONDocument = [
                "listCollections": 1, "nameOnly": true, "authorizedCollections": true,
                "filter": ["name": ["$regex": "\\.rebuild(-2)?$"]],
            ]
            let reply = try connection.read(command, database: database)
            guard case .document(let cursor) = reply["cursor"], case .array(let found) = cursor["firstBatch"] else {
                return []
            }
            let names = found.compactMap { value -> String? in
                guard case .document(let description) = value, case .string(let name) = description["name"] else {
                    return nil
                }
                return name
            }
            let kept = try names.isEmpty ? [] : resumableBuilds(on: connection)
            let left = names.filter { !kept.contains($0) }.sorted()
            guard !left.isEmpty else { return [Diagnosis.Check("leftovers", .ok, "none")] }
            return [
                Diagnosis.Check(
                    "leftovers", .warning,
                    "\(left.joined(separator: ", ")): of a rebuild that no run goes on with; nothing uses "
                        + "\(left.count == 1 ? "it" : "them")",
                    remedy: "In mongosh:\n"
                        + left.map { "  \(Shell.collection($0, in: database)).drop()" }.joined(separator: "\n"))
            ]
        }
    }

    /// The names of the collections that running swaps build in, and those that the same command would resume.
    private func resumableBuilds(on connection: isolated MongoConnection) throws -> Set<String> {
        let filter: BSONDocument = [
            "swap": true, "status": ["$ne": .string(MaintenanceRun.Status.done.rawValue)],
            "updatedAt": ["$gt": .datetime(try BSONDate(now.addingTimeInterval(-MaintenanceRun.resumableFor)))],
        ]
        var names: Set<String> = []
        let options = FindOptions(sort: [("_id", -1)], limit: Self.newestRuns)
        try connection.find(filter, in: MaintenanceRun.namespace(store.database), options: options) { document in
            if let run = MaintenanceRun(BSONDocument(document)), run.isUnfinished {
                names.formUnion(run.builds.values.map(\.collection))
            }
            return true
        }
        return names
    }

    func namespace(_ collection: String) -> Namespace { Namespace(database: store.database, collection: collection) }

    /// The journal alone if the program's aggregates have invalid declarations: every other command reports those.
    var collections: [DatabasePlan.Collection] {
        let plan = try? DatabasePlan(
            database: store.database, aggregates: store.aggregates, keeping: store.keptCollections())
        return (plan ?? (try? DatabasePlan(database: store.database, aggregates: [])))?.collections ?? []
    }
}

extension DatabaseInspection {
    /// Whether exactly one thing is missing.
    fileprivate var lacksOne: Bool {
        missing.reduce(0) { $0 + $1.indexes.count + ($1.isWhole ? 1 : 0) } == 1
    }
}
