internal import DaybookBSON
package import DaybookMongo
internal import Foundation

/// What a database must have for some aggregates: the journal, the marks of its feed, and the snapshot collection of each
/// aggregate that keeps snapshots.
package struct DatabasePlan: Sendable {
    package struct Collection: Sendable {
        package var name: String
        package var indexes: [IndexModel]
        /// The wanted validator. Only the journal has one; a validator on a snapshot collection is the operator's
        /// business.
        var validation: BSONDocument?

        package var isJournal: Bool { validation != nil }
    }

    let database: String
    let journal: Collection
    /// The snapshot collections, in the order of the aggregates.
    let snapshots: [Collection]
    /// The collections of the store's subscriptions.
    let kept: [KeptCollection]

    /// An insert makes the collection where it is missing; then no mark is ever deleted.
    static let marks = Collection(
        name: ControlCollection.marks.rawValue,
        indexes: [IndexModel(name: "at_1", keys: [("at", 1)], expiresAfter: .seconds(3_600))])

    package var collections: [Collection] { [journal] + snapshots + kept.map(\.collection) + [Self.marks] }

    /// A collection that a subscription keeps.
    package struct KeptCollection: Sendable {
        package var collection: Collection

        package init(_ name: String, indexes: [IndexModel] = []) {
            collection = Collection(name: name, indexes: indexes)
        }
    }

    /// - Parameters:
    ///   - aggregates: An aggregate that is given twice counts once.
    ///   - kept: The collections of subscriptions.
    /// - Throws: ``DaybookError/Code/invalidArgument`` when two aggregates have the same type;
    ///   ``DaybookError/Code/invalidConfiguration`` when a name of a collection or a field is not possible. Nothing was
    ///   sent.
    package init(
        database: String, aggregates: [any Aggregate.Type], keeping kept: [KeptCollection] = []
    ) throws(DaybookError) {
        self.database = database
        journal = Collection(
            name: CollectionName.journal, indexes: JournalIndex.allCases.map(\.model), validation: Journal.validation)
        var types: [AggregateType: any Aggregate.Type] = [:]
        // Keyed by bytes, as MongoDB compares names.
        var owners: [[UInt8]: AggregateType] = [:]
        var snapshots: [Collection] = []
        for aggregate in aggregates {
            if let other = types[aggregate.type] {
                guard ObjectIdentifier(other) == ObjectIdentifier(aggregate) else {
                    throw DaybookError(
                        .invalidArgument,
                        "\(other) and \(aggregate) both have the aggregate type \"\(aggregate.type)\"; a type names "
                            + "one kind of aggregate"
                    )
                }
                continue
            }
            types[aggregate.type] = aggregate
            let indexes = try Self.indexes(of: aggregate)
            guard aggregate.lifecycle != .live else { continue }
            let name = aggregate.snapshotCollection
            try Self.check(name, of: aggregate, in: database)
            for taken in [name] + Self.rebuildCollections(of: name) {
                if let owner = owners.updateValue(aggregate.type, forKey: Array(taken.utf8)) {
                    throw DaybookError(
                        .invalidConfiguration,
                        "the aggregates \"\(owner)\" and \"\(aggregate.type)\" both keep snapshots in \"\(taken)\"; "
                            + "each needs a collection of "
                            + "its own (a rebuild uses its name with .rebuild and .rebuild-2)")
                }
            }
            snapshots.append(Collection(name: name, indexes: indexes))
        }
        self.snapshots = snapshots
        self.kept = kept
    }

    /// The collections that a rebuild builds in, used in turn. The names are fixed, so that a role can have privileges
    /// on them. There are two, so that a request that a dead process had sent for one does not reach what is built in
    /// the other.
    package static func rebuildCollections(of snapshots: String) -> [String] {
        ["\(snapshots).rebuild", "\(snapshots).rebuild-2"]
    }

    /// https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
    private static func check(_ name: String, of aggregate: any Aggregate.Type, in database: String)
        throws(DaybookError)
    {
        // The full name of a sharded collection is limited to 235 bytes, and a rebuild adds its suffix.
        let longest = rebuildCollections(of: name).map { "\(database).\($0)".utf8.count }.max() ?? 0
        let fault: String? =
            if name.isEmpty {
                "is empty"
            } else if CollectionName.isReserved(name) {
                "is one of Daybook's own"
            } else if name.hasPrefix("system.") || name.contains(".system.") {
                "is reserved by MongoDB"
            } else if name.utf8.contains(UInt8(ascii: "$")) || name.utf8.contains(0) {
                "has a $ or a NUL"
            } else if name.hasPrefix(".") || name.hasSuffix(".") || name.contains("..") {
                "has an empty part"
            } else if longest > 235 {
                "is too long: with the database's name and .rebuild-2 it has \(longest) bytes, and MongoDB allows 235"
            } else {
                nil
            }
        guard let fault else { return }
        throw DaybookError(
            .invalidConfiguration,
            "\"\(name)\" cannot be the snapshot collection of \(aggregate) (\"\(aggregate.type)\"): the name \(fault)")
    }

    /// The indexes that an aggregate or a view declares.
    ///
    /// - Throws: ``DaybookError/Code/invalidConfiguration`` when a name is invalid or occurs twice, or there are too
    ///   many.
    package static func indexes(of declared: any Queryable.Type) throws(DaybookError) -> [IndexModel] {
        let names = declared.fieldNames
        if let name = firstRepeated(names) {
            throw DaybookError(.invalidConfiguration, "\(declared) declares the field \"\(name)\" twice")
        }
        for name in names {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.allSatisfy({ !$0.isEmpty && $0.utf8.first != UInt8(ascii: "$") }), !name.utf8.contains(0) else {
                throw DaybookError(
                    .invalidConfiguration,
                    "\(declared) declares the field \"\(name)\", which cannot be: it is written name or name.name, "
                        + "and no name is empty or begins with $")
            }
        }
        let indexes = declared.indexes
        if let name = firstRepeated(indexes.map(\.name)) {
            throw DaybookError(
                .invalidConfiguration, "\(declared) declares two indexes that would be named \"\(name)\"")
        }
        guard indexes.count < 64 else {
            throw DaybookError(
                .invalidConfiguration,
                "\(declared) declares \(indexes.count) indexes; MongoDB allows a collection 64, and the one of _id "
                    + "is among them"
            )
        }
        return indexes
    }

    /// The first name that occurs twice. Compared by bytes, as MongoDB compares names.
    private static func firstRepeated(_ names: [String]) -> String? {
        var seen: Set<[UInt8]> = []
        return names.first { !seen.insert(Array($0.utf8)).inserted }
    }
}
