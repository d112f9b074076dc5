internal import DaybookBSON
package import DaybookMongo
internal import Synchronization

/// Whether the journal is there and has its unique indexes. Once it had them, the server is not asked again.
package final class JournalReadiness: Sendable {
    private let journal: Journal
    private let hasIndexes = Mutex(false)

    init(of journal: Journal) {
        self.journal = journal
    }

    /// Checks that the unique indexes exist and are built. Without them the journal could not refuse a second event at
    /// one version; an index that is still being built refuses nothing either.
    ///
    /// - Throws: ``DaybookError/Code/notInitialized``
    package func requireIndexes(on connection: isolated MongoConnection) throws {
        if hasIndexes.withLock({ $0 }) { return }
        let database = journal.namespace.database
        let (ready, unfinished) = try connection.allIndexes(of: journal.namespace)
        let missing = JournalIndex.allCases.filter { wanted in !ready.contains { wanted.model.isSatisfied(by: $0) } }
        guard missing.isEmpty else {
            let building = missing.filter { wanted in unfinished.contains { wanted.model.isSatisfied(by: $0) } }
            guard building.count < missing.count else {
                throw DaybookError(
                    .notInitialized,
                    "the database \"\(database)\" is not ready for commits: the server is still building its journal's "
                        + "unique \(names(of: building)). Call initialize, or run the command init: they wait for it.")
            }
            throw DaybookError(
                .notInitialized,
                "the database \"\(database)\" is not prepared for Daybook: its journal lacks the unique "
                    + "\(names(of: missing)). Call initialize once, or run the command init.")
        }
        hasIndexes.withLock { $0 = true }
    }

    private func names(of indexes: [JournalIndex]) -> String {
        indexes.map(\.rawValue).sorted().joined(separator: " and ")
    }

    /// Checks that there is a journal. In a database with a mistyped name, a check would otherwise find nothing wrong.
    ///
    /// https://www.mongodb.com/docs/manual/reference/command/listCollections/: with `nameOnly` and
    /// `authorizedCollections` every user who may read the journal may run the command.
    ///
    /// - Throws: ``DaybookError/Code/notInitialized``
    package func requireJournal(on connection: isolated MongoConnection) throws {
        if hasIndexes.withLock({ $0 }) { return }
        let filter: BSONDocument = ["name": .string(journal.namespace.collection)]
        let database = journal.namespace.database
        guard try connection.collectionNames(matching: filter, in: database).isEmpty else { return }
        throw DaybookError(
            .notInitialized,
            "the database \"\(database)\" has no journal. Is that its name? A new database is prepared by initialize, "
                + "or the command init.")
    }
}
