package import DaybookBSON
package import Foundation

/// An event's envelope, which is its document without the payload. Writers write it, and readers of whole events read
/// it.
///
/// The fields are coded by hand because every append runs this code.
package struct JournalEvent: Sendable, Hashable {
    /// The commit that an event belongs to. All of its events have the same `id`, across aggregates: the id of its
    /// first event.
    package struct Commit: Sendable, Hashable {
        package var id: UUID
        package var index: Int32
        package var count: Int32
    }

    package var id: UUID
    var aggregateID: String
    var version: Int64
    var type: String
    var schema: Int32
    package var recordedAt: BSONDate
    var commit: Commit
    var metadata: EventMetadata

    /// The document, with `data` as its payload.
    func document(data: BSONDocument) throws -> BSONDocument {
        var writer = BSONWriter(capacity: 256 + data.bytes.count)
        writer.write(id, forKey: EventKey.id)
        writer.write(aggregateID, forKey: EventKey.aggregateID)
        writer.write(version, forKey: EventKey.version)
        writer.write(type, forKey: EventKey.type)
        writer.write(schema, forKey: EventKey.schema)
        writer.write(data, forKey: EventKey.data)
        writer.write(recordedAt, forKey: EventKey.recordedAt)
        commit.write(to: &writer)
        writer.beginDocument(EventKey.metadata)
        metadata.write(to: &writer)
        writer.end()
        return try writer.finish()
    }
}

extension JournalEvent {
    /// Reads the whole envelope of an event.
    ///
    /// - Throws: ``DaybookError/Code/unreadableEvent`` when it is not one that the journal's validator accepts.
    package init(_ document: BorrowedDocument) throws {
        let fields = try EventFields(document, .whole)
        var commit: Commit?
        var metadata = EventMetadata()
        do {
            if let document = fields.commit { commit = try Commit(document) }
            if let document = fields.metadata { metadata = try EventMetadata(document) }
        } catch let error as BSONError {
            throw fields.fault(error)
        }
        guard let id = fields.id, let aggregateID = fields.aggregateID, let version = fields.version,
            let type = fields.type, let schema = fields.schema, fields.data != nil, let recordedAt = fields.recordedAt,
            let commit
        else { throw fields.fault(lackingIn: document, .whole) }
        self.init(
            id: id, aggregateID: String(decoding: aggregateID, as: UTF8.self), version: version, type: type,
            schema: schema, recordedAt: recordedAt, commit: commit, metadata: metadata)
    }
}

extension JournalEvent.Commit {
    // Not `throws(BSONError)`: Swift 6.3 crashes where the optimizer inlines it into a caller that throws any error.
    package init(_ document: BorrowedDocument) throws {
        if let commit = Self(asWritten: document.bytes) {
            self = commit
            return
        }
        var id: UUID?, index: Int32?, count: Int32?
        var elements = document.makeElements()
        while let element = try elements.next() {
            if element.hasKey(EventKey.commitID) {
                id = try element.uuid()
            } else if element.hasKey(EventKey.commitIndex) {
                index = try element.int32()
            } else if element.hasKey(EventKey.commitCount) {
                count = try element.int32()
            }
        }
        guard let id, let index, let count else { throw BSONError(.corrupt, "The commit lacks a field.") }
        self.init(id: id, index: index, count: count)
    }

    fileprivate func write(to writer: inout BSONWriter) {
        writer.beginDocument(EventKey.commit)
        writer.write(id, forKey: EventKey.commitID)
        writer.write(index, forKey: EventKey.commitIndex)
        writer.write(count, forKey: EventKey.commitCount)
        writer.end()
    }

    /// The bytes of a commit as ``write(to:)`` writes it, with arbitrary values in its three fields.
    private static let written: [UInt8] = {
        var writer = BSONWriter()
        Self(id: UUID(), index: 0, count: 0).write(to: &writer)
        guard case .document(let commit)? = try? writer.finish()[EventKey.commit] else { return [] }
        return commit.bytes
    }()

    /// Reads a commit by position, which is fast: a reconciliation does this for every event. Returns nil where the
    /// field has another form; then it is read element by element.
    private init?(asWritten bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.written.count else { return nil }
        let hasForm = Self.written.withUnsafeBytes { written in
            func agree(_ places: Range<Int>) -> Bool {
                haveSameBytes(
                    UnsafeRawBufferPointer(rebasing: bytes[places]), UnsafeRawBufferPointer(rebasing: written[places]))
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
