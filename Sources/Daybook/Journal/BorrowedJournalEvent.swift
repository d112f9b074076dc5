package import DaybookBSON
internal import Foundation

/// A document of the journal while it is borrowed from the driver.
package struct BorrowedJournalEvent {
    package var event: JournalEvent
    /// The payload, valid as long as the document it was read from.
    var data: BorrowedDocument

    /// - Throws: ``DaybookError/Code/unreadableEvent`` when the envelope is not what the journal's validator lets in.
    package init(_ document: BorrowedDocument) throws {
        var id: UUID?, aggregateID: String?, version: Int64?, type: String?, schema: Int32?, data: BorrowedDocument?
        var recordedAt: BSONDate?, commit: JournalEvent.Commit?
        var metadata = EventMetadata()
        do {
            var elements = document.makeElements()
            while let element = try elements.next() {
                if element.hasKey("_id") {
                    id = try element.uuid()
                } else if element.hasKey("aggregateId") {
                    aggregateID = try element.string()
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
                } else if element.hasKey("commit") {
                    commit = try JournalEvent.Commit(element.document())
                } else if element.hasKey("meta") {
                    metadata = try EventMetadata(element.document())
                }
            }
        } catch let error as BSONError {
            throw DaybookError(
                .unreadableEvent, "an event of the journal has a field of the wrong form: \(error)", aggregateID: aggregateID,
                version: version,
                underlying: error)
        }
        guard let id, let aggregateID, let version, let type, let schema, let data, let recordedAt, let commit else {
            let fields: [(String, Bool)] = [
                ("_id", id == nil), ("aggregateId", aggregateID == nil), ("version", version == nil), ("type", type == nil),
                ("schema", schema == nil), ("data", data == nil), ("recordedAt", recordedAt == nil), ("commit", commit == nil),
            ]
            let missing = fields.filter(\.1).map(\.0).joined(separator: " and ")
            throw DaybookError(
                .unreadableEvent, "an event of the journal lacks \(missing)", aggregateID: aggregateID, version: version)
        }
        event = JournalEvent(
            id: id, aggregateID: aggregateID, version: version, type: type, schema: schema, recordedAt: recordedAt,
            commit: commit,
            metadata: metadata)
        self.data = data
    }
}

extension JournalEvent.Commit {
    package init(_ document: BorrowedDocument) throws {
        if let commit = Self(asWritten: document.bytes) {
            self = commit
            return
        }
        var id: UUID?, index: Int32?, count: Int32?
        var elements = document.makeElements()
        while let element = try elements.next() {
            if element.hasKey("id") {
                id = try element.uuid()
            } else if element.hasKey("index") {
                index = try element.int32()
            } else if element.hasKey("count") {
                count = try element.int32()
            }
        }
        guard let id, let index, let count else { throw BSONError(.corrupt, "The commit lacks a field.") }
        self.init(id: id, index: index, count: count)
    }
    /// The bytes of a commit as ``JournalEvent/document(data:)`` writes it, with nothing in the places of its three values.
    private static let written: [UInt8] = [
        52, 0, 0, 0,
        // "id", a UUID
        0x05, 0x69, 0x64, 0, 16, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        // "index" and "count", of 32 bits
        0x10, 0x69, 0x6E, 0x64, 0x65, 0x78, 0, 0, 0, 0, 0,
        0x10, 0x63, 0x6F, 0x75, 0x6E, 0x74, 0, 0, 0, 0, 0,
        0,
    ]

    /// Nil where the field has another form, which is read element by element. A reconciliation passes here once an event.
    private init?(asWritten bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.written.count else { return nil }
        let hasForm = Self.written.withUnsafeBytes { written in
            func agree(_ places: Range<Int>) -> Bool {
                haveSameBytes(UnsafeRawBufferPointer(rebasing: bytes[places]), UnsafeRawBufferPointer(rebasing: written[places]))
            }
            return agree(0..<13) && agree(29..<36) && agree(40..<47) && bytes[51] == 0
        }
        guard hasForm else { return nil }
        self.init(
            id: UUID(uuid: bytes.loadUnaligned(fromByteOffset: 13, as: uuid_t.self)),
            index: Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 36, as: Int32.self)),
            count: Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 47, as: Int32.self)))
    }
}
