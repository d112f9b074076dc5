@testable import Daybook
import DaybookBSON
import DaybookMongo
import IntegrationSupport

extension DaybookStore {
    /// The snapshot document that a replay of the journal gives.
    func replayed<A: Aggregate>(_ key: String, _ aggregate: A.Type) async throws -> BSONDocument {
        let (repository, journal) = (repository(A.self), journal)
        let id = try AggregateID(A.type, key: key)
        return try await client.withConnection(.single) { connection in
            let head = try journal.head(of: id, on: connection)
            guard let stored = try repository.loader.load(id, at: head, on: connection).stored() else {
                throw RawDatabase.NoMatch()
            }
            return try stored.document()
        }
    }

    /// The snapshot document that is there.
    func snapshot<A: Aggregate>(_ key: String, _ aggregate: A.Type) async throws -> BSONDocument? {
        try await raw.document(in: A.snapshotCollection, id: "\(A.type)/\(key)")
    }

    /// Whether the snapshot that is there is byte for byte what a replay gives.
    func isCaughtUp<A: Aggregate>(_ key: String, _ aggregate: A.Type) async throws -> Bool {
        try await snapshot(key, A.self) == replayed(key, A.self)
    }
}
