internal import DaybookBSON
internal import Foundation
internal import Logging
internal import Metrics

/// A stored snapshot as a query finds it: what is made of it, or why nothing can be.
enum QueriedSnapshot<Element: Sendable>: Sendable {
    case readable(Element)
    case unreadable(AggregateID?, reason: String)

    /// - Parameter make: Reads the state. What it throws makes the snapshot unreadable.
    init<A: Aggregate>(
        _ document: BorrowedDocument, of aggregate: A.Type,
        make: (AggregateID, _ version: Int64, BorrowedSnapshot, _ state: BorrowedDocument) throws -> Element
    ) throws {
        let stored = try BorrowedSnapshot(document)
        let id = stored.id.flatMap { try? AggregateID(parsing: $0) }
        guard let id, let version = stored.version, let state = stored.state else {
            self = .unreadable(id, reason: "it lacks a field")
            return
        }
        guard stored.stateSchema == A.stateSchema else {
            self = .unreadable(id, reason: "its stateSchema is not \(A.stateSchema)")
            return
        }
        do {
            self = .readable(try make(id, version, stored, state))
        } catch {
            self = .unreadable(id, reason: "its state cannot be decoded: \(describe(error))")
        }
    }

    /// - Parameter decoder: One for many documents: it remembers what it found out about the state's type.
    init<A: Aggregate>(_ document: BorrowedDocument, _ decoder: BSONDecoder) throws where Element == Snapshot<A> {
        try self.init(document, of: A.self) { id, version, stored, state in
            Snapshot(
                id: id, version: version, state: try decoder.decode(A.self, from: state),
                createdAt: stored.createdAt?.date, updatedAt: stored.updatedAt?.date)
        }
    }
}

extension Repository {
    /// What a query makes of a snapshot that it found: of one that it cannot read, what `refold` makes of the aggregate as the journal has
    /// it, on the primary wherever the query reads; nil when the journal has no such aggregate.
    func resolve<Element>(
        _ found: QueriedSnapshot<Element>, refold: @Sendable (Snapshot<A>) throws -> Element
    ) async throws -> Element? {
        switch found {
        case .readable(let element): return element
        case .unreadable(let id, let reason):
            ignored(id, reason: reason)
            guard let id, id.type == A.type else { return nil }
            let folded = try await load(id.key)
            return folded.exists ? try refold(folded) : nil
        }
    }

    /// Says that a query found a snapshot that it cannot read: the one place to count them.
    func ignored(_ id: AggregateID?, reason: String) {
        loader.metrics.snapshotsIgnored.increment()
        store.telemetry.logger.warning(
            "snapshot ignored by a query, journal folded instead: \(reason)",
            [.aggregateID: id?.rawValue ?? "none", .collection: snapshots])
    }
}
