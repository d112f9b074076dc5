public import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

/// An order of snapshots by one declared field.
public struct Sort<A: Aggregate>: Sendable {
    let keyPath: any AnyKeyPath & Sendable
    let direction: Int32

    /// The smallest first.
    public static func ascending<Value>(_ field: any KeyPath<A, Value> & Sendable) -> Sort {
        Sort(keyPath: field, direction: 1)
    }

    /// The largest first.
    public static func descending<Value>(_ field: any KeyPath<A, Value> & Sendable) -> Sort {
        Sort(keyPath: field, direction: -1)
    }
}

extension Repository {
    /// The snapshots that match `filter`, in the given order, the id last.
    ///
    /// Nothing is asked before the iteration starts. It reads where the URI's read preference says; on the primary it sees every commit that
    /// returned before it started.
    public func query(where filter: Filter<A>? = nil, sort: [Sort<A>] = [], limit: Int? = nil) -> SnapshotQuery<A> {
        SnapshotQuery(repository: self, sort: sort, limit: limit) { try filter?.document() ?? BSONDocument() }
    }

    /// The snapshots that match a MongoDB filter on the stored document, as in `["state.status": "issued"]`; to write one, import
    /// `DaybookBSON` too.
    public func query(matching filter: BSONDocument, sort: [Sort<A>] = [], limit: Int? = nil) -> SnapshotQuery<A> {
        SnapshotQuery(repository: self, sort: sort, limit: limit) { filter }
    }
}

/// A query of snapshots; each iteration asks anew, and reads in batches as it goes on.
///
/// A snapshot that matches but cannot be read, or has another `stateSchema` than the declared one, is folded anew from the journal, with a
/// warning; one without events is left out.
public struct SnapshotQuery<A: Aggregate>: AsyncSequence, Sendable {
    let repository: Repository<A>
    let sort: [Sort<A>]
    let limit: Int?
    let filter: @Sendable () throws -> BSONDocument

    /// Starts a new query.
    public func makeAsyncIterator() -> Iterator {
        Iterator(repository: repository, documents: Result { try documents().makeAsyncIterator() })
    }

    private func documents() throws -> CursorSequence<QueriedSnapshot<A>> {
        if let limit, limit < 1 { throw DaybookError(.invalidArgument, "a query's limit is at least 1, not \(limit)") }
        var options = FindOptions(limit: limit, reads: .asConfigured)
        if !sort.isEmpty {
            options.sort = try sort.map { (key: try A.field($0.keyPath).path, direction: $0.direction) } + [("_id", 1)]
        }
        return repository.store.client.find(try filter(), in: repository.snapshots, options: options) { try QueriedSnapshot($0) }
    }

    /// Reads the snapshots one after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let repository: Repository<A>
        var documents: Result<CursorSequence<QueriedSnapshot<A>>.Iterator, any Error>

        /// - Throws: ``DaybookError``
        public mutating func next() async throws -> Snapshot<A>? {
            do {
                var iterator = try documents.get()
                defer { documents = .success(iterator) }
                while let found = try await iterator.next() {
                    switch found {
                    case .snapshot(let snapshot): return snapshot
                    case .unreadable(let id, let reason):
                        repository.store.telemetry.logger.warning(
                            "snapshot ignored by a query, journal folded instead: \(reason)",
                            metadata: ["aggregateId": "\(id?.rawValue ?? "none")", "collection": "\(repository.snapshots)"])
                        guard let id, id.type == A.type else { continue }
                        let folded = try await repository.load(id.key)
                        if folded.exists { return folded }
                    }
                }
                return nil
            } catch {
                throw DaybookError.enriching(error, operation: "query", aggregateID: nil)
            }
        }
    }
}

/// A stored snapshot as a query finds it.
enum QueriedSnapshot<A: Aggregate>: Sendable {
    case snapshot(Snapshot<A>)
    case unreadable(AggregateID?, reason: String)

    init(_ document: BorrowedDocument) throws {
        let stored = try BorrowedSnapshot(document)
        let id = stored.id.flatMap { try? AggregateID(parsing: $0) }
        guard let id, let version = stored.version, let state = stored.state else {
            self = .unreadable(id, reason: "it lacks a field")
            return
        }
        guard stored.identity.stateSchema == A.stateSchema else {
            self = .unreadable(id, reason: "its stateSchema is not \(A.stateSchema)")
            return
        }
        do {
            self = .snapshot(
                Snapshot(
                    id: id, version: version, state: try BSONDecoder().decode(A.self, from: state),
                    createdAt: stored.createdAt?.date, updatedAt: stored.updatedAt?.date))
        } catch {
            self = .unreadable(id, reason: "its state cannot be decoded: \(describe(error))")
        }
    }
}
