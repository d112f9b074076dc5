internal import DaybookBSON
internal import Foundation

/// A stored snapshot that a query found: its element, or why it cannot be read.
enum QueriedSnapshot<Element: Sendable>: Sendable {
    case readable(Element)
    case unreadable(AggregateID?, reason: String)

    /// - Parameter make: Decodes the state. If it throws, the snapshot is unreadable.
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

    /// - Parameter decoder: A decoder to share between many documents: it caches what it learns about the state's type.
    init<A: Aggregate>(_ document: BorrowedDocument, _ decoder: BSONDecoder) throws where Element == Snapshot<A> {
        try self.init(document, of: A.self) { id, version, stored, state in
            Snapshot(
                id: id, version: version, state: try decoder.decode(A.self, from: state),
                createdAt: stored.createdAt?.date, updatedAt: stored.updatedAt?.date)
        }
    }
}
