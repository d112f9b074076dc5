package import Daybook
package import DaybookBSON
internal import DaybookMongo

extension DaybookStore {
    /// The snapshot document that a replay of the journal gives.
    package func replayed<A: Aggregate>(_ key: String, _ aggregate: A.Type) async throws -> BSONDocument {
        let journal = journal.namespace
        let id = try AggregateID(A.type, key: key)
        return try await client.withConnection(.single) { connection in
            var fold = Fold<A>(id)
            let options = FindOptions(sort: Journal.inVersionOrder)
            try connection.find(["aggregateId": .string(id.rawValue)], in: journal, options: options) { document in
                try fold.apply(BorrowedEvent(document))
                return true
            }
            guard let stored = try fold.stored() else { throw RawDatabase.NoMatch() }
            return try stored.document()
        }
    }

    /// The snapshot document that is there.
    package func snapshot<A: Aggregate>(_ key: String, _ aggregate: A.Type) async throws -> BSONDocument? {
        try await raw.document(in: A.snapshotCollection, id: "\(A.type)/\(key)")
    }

    /// Whether the snapshot that is there is byte for byte what a replay gives.
    package func isCaughtUp<A: Aggregate>(_ key: String, _ aggregate: A.Type) async throws -> Bool {
        try await snapshot(key, A.self) == replayed(key, A.self)
    }
}
