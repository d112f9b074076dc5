internal import DaybookBSON
package import DaybookMongo

/// What a database has of a plan, what it lacks, and what conflicts with it.
package struct DatabaseInspection: Sendable {
    package struct Missing: Sendable {
        var collection: DatabasePlan.Collection
        /// Whether the whole collection is missing.
        package var isWhole: Bool
        package var indexes: [IndexModel]
    }

    /// A wanted index that the server is still building.
    package struct Unfinished: Sendable {
        var collection: DatabasePlan.Collection
        var index: IndexModel
    }

    private let database: String
    package private(set) var conflicts: [DefinitionConflict] = []
    package private(set) var missing: [Missing] = []
    package private(set) var unfinished: [Unfinished] = []

    /// Inspects the whole plan, and collects every conflict.
    init(of plan: DatabasePlan, on connection: isolated MongoConnection) throws {
        try self.init(of: plan.collections, in: plan.database, on: connection)
    }

    /// Inspects some collections of a plan.
    package init(
        of collections: [DatabasePlan.Collection], in database: String, on connection: isolated MongoConnection
    ) throws {
        self.database = database
        let found = try connection.collections(named: collections.map(\.name), in: database)
        for collection in collections {
            guard let description = found.first(where: { $0["name"] == .string(collection.name) }) else {
                missing.append(Missing(collection: collection, isWhole: true, indexes: collection.indexes))
                continue
            }
            try inspect(collection, description, on: connection)
        }
    }

    private mutating func inspect(
        _ collection: DatabasePlan.Collection, _ description: BSONDocument, on connection: isolated MongoConnection
    ) throws {
        guard inspectKind(of: collection, description) else { return }
        if let validation = collection.validation { inspect(validation, of: collection, description.options) }
        let namespace = Namespace(database: database, collection: collection.name)
        let (ready, building) = try connection.allIndexes(of: namespace)
        let lacking = inspect(ready, building, of: collection)
        guard !lacking.isEmpty else { return }
        missing.append(Missing(collection: collection, isWhole: false, indexes: lacking))
    }

    /// What is missing, as text for people.
    package var lacking: String {
        missing.flatMap { missing -> [String] in
            let indexes = missing.indexes.map { "the index \"\($0.name)\" of \"\(missing.collection.name)\"" }
            return missing.isWhole ? ["the collection \"\(missing.collection.name)\""] + indexes : indexes
        }.joined(separator: ", ")
    }

    /// What the server is still building, as text for people.
    package var building: String {
        unfinished.map { "the index \"\($0.index.name)\" of \"\($0.collection.name)\"" }.joined(separator: ", ")
    }

    // MARK: Collections

    /// Whether it is an ordinary collection that keeps its documents, and that compares ids by their bytes.
    private mutating func inspectKind(of collection: DatabasePlan.Collection, _ description: BSONDocument) -> Bool {
        let options = description.options
        let isView = description["type"] == "view" || options["viewOn"] != nil
        let isTimeSeries = description["type"] == "timeseries" || options["timeseries"] != nil
        let reason: String? =
            if isView {
                "is a view"
            } else if isTimeSeries {
                "is a time-series collection"
            } else if let capped = options["capped"], capped != .bool(false), capped.number != 0 {
                "is capped: it drops its oldest documents"
            } else if options["expireAfterSeconds"] != nil {
                "lets its documents expire"
            } else if case .document(let collation) = options["collation"], collation["locale"] != "simple" {
                "has a collation, under which different ids count as the same"
            } else {
                nil
            }
        guard let reason else { return true }
        let wanted: BSONDocument = ["name": .string(collection.name), "type": "collection", "options": [:]]
        conflicts.append(
            DefinitionConflict(
                subject: "the collection \"\(collection.name)\"", reason: reason,
                found: Shell.json(description.keeping(["name", "type", "options"])), wanted: Shell.json(wanted),
                remedy: replacement(of: collection, isView: isView, isTimeSeries: isTimeSeries))
        )
        return false
    }

    /// How an operator replaces a collection, because its kind cannot be changed. Snapshots can be made again; the
    /// journal's events must be kept.
    private func replacement(of collection: DatabasePlan.Collection, isView: Bool, isTimeSeries: Bool) -> [String] {
        let there = Shell.collection(collection.name, in: database)
        if isView { return ["\(there).drop()", "// the documents behind the view stay; then run initialize again"] }
        guard collection.isJournal else {
            let rest = CollectionName.isReserved(collection.name) ? "" : ", then rebuild the snapshots"
            return ["\(there).drop()", "// run initialize again\(rest)"]
        }
        let aside = "\(collection.name).before"
        let keep =
            isTimeSeries
            ? ["\(there).aggregate([{ \"$out\": \(Shell.quoted(aside)) }])", "\(there).drop()"]
            : ["\(there).renameCollection(\(Shell.quoted(aside)))"]
        return ["// stop every writer first"] + keep + [
            "// run initialize again, then",
            "\(Shell.collection(aside, in: database)).aggregate([{ \"$merge\": "
                + "{ \"into\": \(Shell.quoted(collection.name)), \"whenMatched\": \"keepExisting\" } }])",
        ]
    }

    // MARK: Validators

    private mutating func inspect(
        _ wanted: BSONDocument, of collection: DatabasePlan.Collection, _ options: BSONDocument
    ) {
        var reasons: [String] = []
        if case .document(let validator) = options["validator"], !validator.fields.isEmpty {
            if case .document(let ours) = wanted["validator"],
                !([ours] + Journal.earlierValidators).contains(where: { $0.isSameDefinition(as: validator) })
            {
                reasons.append("is not the one of this version of Daybook")
            }
        } else {
            reasons.append("is not there")
        }
        // An absent option is MongoDB's default, which is what is wanted. `errorAndLog` (MongoDB 8.1) refuses as
        // `error` does.
        if let level = options["validationLevel"], level != "strict" { reasons.append("does not hold for every write") }
        if let action = options["validationAction"], action != "error", action != "errorAndLog" {
            reasons.append("refuses nothing")
        }
        guard !reasons.isEmpty else { return }
        var command: BSONDocument = ["collMod": .string(collection.name)]
        for (key, value) in wanted.fields { try? command.append(key, value) }
        conflicts.append(
            DefinitionConflict(
                subject: "the validator of \"\(collection.name)\"", reason: reasons.joined(separator: ", and "),
                found: Shell.json(options.keeping(["validator", "validationLevel", "validationAction"])),
                wanted: Shell.json(wanted), remedy: [Shell.command(command, in: database)]))
    }

    // MARK: Indexes

    /// The indexes that are missing: not there, not being built, and not blocked by a conflict.
    ///
    /// An index that is still being built can conflict too: the server already refuses another index with its name or
    /// its keys.
    private mutating func inspect(
        _ ready: [BSONDocument], _ building: [BSONDocument], of collection: DatabasePlan.Collection
    ) -> [IndexModel] {
        let found = ready + building
        var lacking: [IndexModel] = []
        var reported: Set<BSONDocument> = []
        for wanted in collection.indexes where !ready.contains(where: wanted.isSatisfied) {
            guard !building.contains(where: wanted.isSatisfied) else {
                unfinished.append(Unfinished(collection: collection, index: wanted))
                continue
            }
            let rivals = found.filter { $0["name"] == .string(wanted.name) || wanted.hasSameKeys(as: $0) }
            if rivals.isEmpty { lacking.append(wanted) }
            for rival in rivals {
                reported.insert(rival)
                report(rival, insteadOf: wanted, of: collection)
            }
        }
        // Other indexes are the operator's business, but an index that deletes events is not.
        guard collection.isJournal else { return lacking }
        for index in found where index["expireAfterSeconds"] != nil && !reported.contains(index) {
            conflicts.append(
                DefinitionConflict(
                    subject: index.subject(in: collection), reason: "deletes events", found: index.shown,
                    wanted: "no such index",
                    remedy: [drop(index, of: collection)]))
        }
        return lacking
    }

    private mutating func report(
        _ rival: BSONDocument, insteadOf wanted: IndexModel, of collection: DatabasePlan.Collection
    ) {
        guard let definition = try? wanted.document() else { return }
        let reason =
            if !wanted.hasSameKeys(as: rival) {
                "has the name of another that is needed"
            } else if wanted.isUnique, rival["unique"] == nil || rival["unique"] == .bool(false) {
                "is over the right keys but not unique"
            } else {
                "is over the right keys but has other options"
            }
        var options = BSONDocument()
        for (key, value) in definition.fields where key != "key" { try? options.append(key, value) }
        let keys = if case .document(let key) = definition["key"] { Shell.json(key) } else { "{}" }
        let create = "\(Shell.collection(collection.name, in: database)).createIndex(\(keys), \(Shell.json(options)))"
        let warning =
            collection.isJournal ? ["// stop every writer first: between these two the journal refuses nothing"] : []
        conflicts.append(
            DefinitionConflict(
                subject: rival.subject(in: collection), reason: reason, found: rival.shown,
                wanted: Shell.json(definition),
                remedy: warning + [drop(rival, of: collection), create]))
    }

    private func drop(_ index: BSONDocument, of collection: DatabasePlan.Collection) -> String {
        "\(Shell.collection(collection.name, in: database)).dropIndex(\(Shell.quoted(index.name)))"
    }
}

extension BSONDocument {
    /// The options in a collection's description from the server.
    fileprivate var options: BSONDocument {
        if case .document(let options) = self["options"] { options } else { [:] }
    }

    fileprivate var name: String {
        if case .string(let name) = self["name"] { name } else { "?" }
    }

    fileprivate func subject(in collection: DatabasePlan.Collection) -> String {
        "the index \"\(name)\" of \"\(collection.name)\""
    }

    /// An index without the fields that servers add.
    fileprivate var shown: String {
        var shown = BSONDocument()
        for (key, value) in fields where !["v", "ns"].contains(key) { try? shown.append(key, value) }
        return Shell.json(shown)
    }

    fileprivate func keeping(_ keys: [String]) -> BSONDocument {
        var kept = BSONDocument()
        for key in keys {
            if let value = self[key] { try? kept.append(key, value) }
        }
        return kept
    }
}
