internal import DaybookBSON
internal import Foundation

/// A stored document that a query found: its element, or why it cannot be read.
enum QueriedDocument<Element: Sendable>: Sendable {
    case readable(Element)
    /// - Parameter id: Its `_id`; nil where that cannot be one.
    case unreadable(id: String?, reason: String)

    /// - Parameter make: Decodes the state. If it throws, the document is unreadable.
    init(_ id: String, make: () throws -> Element) {
        do {
            self = .readable(try make())
        } catch {
            self = .unreadable(id: id, reason: "its state cannot be decoded: \(describe(error))")
        }
    }
}

// MARK: Snapshots

extension QueriedDocument {
    /// - Parameter make: Decodes the state. If it throws, the snapshot is unreadable.
    init<A: Aggregate>(
        _ document: BorrowedDocument, of aggregate: A.Type,
        make: (AggregateID, _ version: Int64, BorrowedSnapshot, _ state: BorrowedDocument) throws -> Element
    ) throws {
        let stored = try BorrowedSnapshot(document)
        let id = stored.id.flatMap { try? AggregateID(parsing: $0) }
        guard let id, let version = stored.version, let state = stored.state else {
            self = .unreadable(id: id?.rawValue, reason: "it lacks a field")
            return
        }
        guard stored.stateSchema == A.stateSchema else {
            self = .unreadable(id: id.rawValue, reason: "its stateSchema is not \(A.stateSchema)")
            return
        }
        self.init(id.rawValue) { try make(id, version, stored, state) }
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

// MARK: Views

extension QueriedDocument {
    /// - Parameter decoder: A decoder to share between many documents.
    init<Document: Queryable>(_ document: BorrowedDocument, _ decoder: BSONDecoder) throws
    where Element == ViewDocument<Document> {
        var key: String?
        var state: BorrowedDocument?
        var events: Int64?
        var elements = document.makeElements()
        while let element = try elements.next() {
            if element.hasKey(ViewKey.id) {
                key = try? element.string()
            } else if element.hasKey(ViewKey.state) {
                state = try? element.document()
            } else if element.hasKey(ViewKey.events) {
                events = try? element.int64()
            }
        }
        guard let key, let state, let events else {
            self = .unreadable(id: key, reason: "it lacks a field")
            return
        }
        self.init(key) {
            ViewDocument(key: key, document: try decoder.decode(Document.self, from: state), events: events)
        }
    }
}
