package import DaybookBSON
package import Foundation

/// What a replay needs of a document of the journal, while it is borrowed: the envelope without commit and metadata, which change no state.
///
/// Every load and every reconciliation passes here, once an event.
package struct ReplayEntry {
    package let id: UUID
    /// The UTF-8 of the id, valid as long as the document.
    let aggregateID: UnsafeRawBufferPointer
    package let version: Int64
    package let type: String
    let schema: Int32
    package let recordedAt: BSONDate
    /// The payload, valid as long as the document.
    let data: BorrowedDocument
    /// What the event says of its commit, valid as long as the document and not looked at here; nil where that is no document.
    package let commit: BorrowedDocument?

    /// A field of the envelope; they follow one another as ``JournalEvent/document(data:)`` writes them.
    private enum Field: Int {
        case id, aggregateID, version, type, schema, data, recordedAt, commit, metadata

        var key: StaticString {
            switch self {
            case .id: "_id"
            case .aggregateID: "aggregateId"
            case .version: "version"
            case .type: "type"
            case .schema: "schema"
            case .data: "data"
            case .recordedAt: "recordedAt"
            case .commit: "commit"
            case .metadata: "meta"
            }
        }

        /// The field whose key `element` has, looked for from `expected` on and then from the first; nil for a foreign one.
        ///
        /// An event that Daybook wrote costs one comparison a field.
        init?(of element: BorrowedElement, expecting expected: Int) {
            for distance in 0..<Self.count {
                guard let field = Field(rawValue: (expected + distance) % Self.count) else { return nil }
                if element.hasKey(field.key) {
                    self = field
                    return
                }
            }
            return nil
        }

        private static let count = 9
    }

    /// - Parameter typeBefore: The type of the event before, which often is this one's too: then no text is made for it.
    /// - Throws: ``DaybookError/Code/unreadableEvent`` when the envelope is not what the journal's validator lets in.
    package init(_ document: BorrowedDocument, typeBefore: String = "") throws {
        var id: UUID?, aggregateID: UnsafeRawBufferPointer?, version: Int64?, type: String?, schema: Int32?
        var data: BorrowedDocument?, recordedAt: BSONDate?, commit: BorrowedDocument?
        do throws(BSONError) {
            var elements = document.makeElements()
            var expected = 0
            while let element = try elements.next() {
                guard let field = Field(of: element, expecting: expected) else { continue }
                expected = field.rawValue + 1
                switch field {
                case .id: id = try element.uuid()
                case .aggregateID: aggregateID = try element.stringBytes()
                case .version: version = try element.int64()
                case .type: type = try element.hasText(typeBefore) ? typeBefore : element.string()
                case .schema: schema = try element.int32()
                case .data: data = try element.document()
                case .recordedAt: recordedAt = try element.date()
                case .commit: commit = try? element.document()
                case .metadata: break
                }
            }
        } catch {
            throw Self.fault("has a field of the wrong form: \(error)", aggregateID, version, error)
        }
        guard let id, let aggregateID, let version, let type, let schema, let data, let recordedAt else {
            let fields: [(String, Bool)] = [
                ("_id", id == nil), ("aggregateId", aggregateID == nil), ("version", version == nil), ("type", type == nil),
                ("schema", schema == nil), ("data", data == nil), ("recordedAt", recordedAt == nil),
            ]
            let missing = fields.filter(\.1).map(\.0).joined(separator: " and ")
            throw Self.fault("lacks \(missing)", aggregateID, version, nil)
        }
        self.id = id
        self.aggregateID = aggregateID
        self.version = version
        self.type = type
        self.schema = schema
        self.data = data
        self.recordedAt = recordedAt
        self.commit = commit
    }

    private static func fault(
        _ what: String, _ aggregateID: UnsafeRawBufferPointer?, _ version: Int64?, _ error: BSONError?
    ) -> DaybookError {
        DaybookError(
            .unreadableEvent, "an event of the journal \(what)",
            aggregateID: aggregateID.map { String(decoding: $0, as: UTF8.self) }, version: version, underlying: error)
    }
}
