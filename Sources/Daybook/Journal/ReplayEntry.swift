internal import DaybookBSON
internal import Foundation

/// What a replay needs of a document of the journal, while it is borrowed: the envelope without commit and metadata, which change no state.
///
/// Every load and every reconciliation passes here, once an event.
struct ReplayEntry {
    let id: UUID
    /// The UTF-8 of the id, valid as long as the document.
    let aggregateID: UnsafeRawBufferPointer
    let version: Int64
    let type: String
    let schema: Int32
    let recordedAt: BSONDate
    /// The payload, valid as long as the document.
    let data: BorrowedDocument

    /// - Throws: ``DaybookError/Code/unreadableEvent`` when the envelope is not what the journal's validator lets in.
    init(_ document: BorrowedDocument) throws {
        var id: UUID?, aggregateID: UnsafeRawBufferPointer?, version: Int64?, type: String?, schema: Int32?
        var data: BorrowedDocument?, recordedAt: BSONDate?
        do throws(BSONError) {
            var elements = document.makeElements()
            while let element = try elements.next() {
                if element.hasKey("_id") {
                    id = try element.uuid()
                } else if element.hasKey("aggregateId") {
                    aggregateID = try element.stringBytes()
                } else if element.hasKey("version") {
                    version = try element.int64()
                } else if element.hasKey("type") {
                    type = try element.string()
                } else if element.hasKey("schema") {
                    schema = try element.int32()
                } else if element.hasKey("data") {
                    data = try element.document()
                } else if element.hasKey("recordedAt") {
                    recordedAt = try element.date()
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
    }

    private static func fault(
        _ what: String, _ aggregateID: UnsafeRawBufferPointer?, _ version: Int64?, _ error: BSONError?
    ) -> DaybookError {
        DaybookError(
            .unreadableEvent, "an event of the journal \(what)",
            aggregateID: aggregateID.map { String(decoding: $0, as: UTF8.self) }, version: version, underlying: error)
    }
}

/// Where an event stands: what is read of it when nothing is folded, as far as it can be read.
struct JournalPlace {
    /// The UTF-8 of the id, valid as long as the document.
    let aggregateID: UnsafeRawBufferPointer
    /// Nil when it is not an integer.
    let version: Int64?

    /// Nil when not even the aggregate can be read.
    init?(_ document: BorrowedDocument) {
        guard let id = try? document.first("aggregateId")?.stringBytes() else { return nil }
        aggregateID = id
        version = try? document.first("version")?.int64()
    }
}
