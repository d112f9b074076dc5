internal import DaybookBSON
internal import Foundation

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
