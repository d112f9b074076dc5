internal import DaybookBSON
internal import DaybookMongo

/// The documents of a range of ids as they come, one at a time.
struct DocumentFeed {
    private let reader: ReadAhead
    private var documents = DocumentBatch()
    private var index = 0
    private var next: (id: [UInt8], document: BSONDocument)?

    init(_ reader: ReadAhead) {
        self.reader = reader
    }

    /// The id of the next one; nil after the last.
    mutating func peek() async throws -> [UInt8]? {
        if let next { return next.id }
        if index >= documents.count {
            guard let batch = try await reader.next() else { return nil }
            (documents, index) = (batch, 0)
        }
        var found: (id: [UInt8], document: BSONDocument)?
        _ = try documents.visit(from: index) { document in
            guard let id = try document.first("_id")?.stringBytes() else {
                throw MongoError(.invalidData, "the server gave a document without an id for a range of ids")
            }
            found = (Array(id), BSONDocument(document))
            return false
        }
        index += 1
        next = found
        return found?.id
    }

    /// The document of this id, if it is the next one, as ``peek()`` has seen.
    mutating func take(_ id: [UInt8]) -> BSONDocument? {
        guard let found = next, found.id == id else { return nil }
        next = nil
        return found.document
    }
}
