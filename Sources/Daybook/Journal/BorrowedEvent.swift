package import DaybookBSON
package import Foundation

/// What a replay needs of an event while its document is borrowed: the envelope without commit and metadata, which
/// change no state.
package struct BorrowedEvent {
    package let id: UUID
    /// The UTF-8 of the id, valid as long as the document.
    let aggregateID: UnsafeRawBufferPointer
    package let version: Int64
    package let type: String
    let schema: Int32
    package let recordedAt: BSONDate
    /// The payload, valid as long as the document.
    let data: BorrowedDocument
    /// What the event says of its commit, valid as long as the document, not looked into; nil where it is no document.
    package let commit: BorrowedDocument?

    /// - Parameter typeBefore: The type of the event before. Where this one has the same, no text is made for it.
    /// - Throws: ``DaybookError/Code/unreadableEvent`` when the envelope is not what the journal's validator lets in.
    package init(_ document: BorrowedDocument, typeBefore: String = "") throws {
        let fields = try EventFields(document, .replay, typeBefore: typeBefore)
        guard let id = fields.id, let aggregateID = fields.aggregateID, let version = fields.version,
            let type = fields.type, let schema = fields.schema, let data = fields.data,
            let recordedAt = fields.recordedAt
        else { throw fields.fault(lackingIn: document, .replay) }
        self.id = id
        self.aggregateID = aggregateID
        self.version = version
        self.type = type
        self.schema = schema
        self.recordedAt = recordedAt
        self.data = data
        commit = fields.commit
    }
}
