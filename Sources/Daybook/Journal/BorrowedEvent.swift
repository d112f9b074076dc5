package import DaybookBSON
package import Foundation

/// What a replay needs of an event while its document is borrowed: the envelope without commit and metadata, which do
/// not affect the state.
package struct BorrowedEvent {
    package let id: UUID
    /// The UTF-8 of the id. Valid as long as the document.
    let aggregateID: UnsafeRawBufferPointer
    package let version: Int64
    package let type: String
    let schema: Int32
    package let recordedAt: BSONDate
    /// The payload. Valid as long as the document.
    let data: BorrowedDocument
    /// The event's `commit`, not parsed; nil where it is not a document. Valid as long as the document.
    package let commit: BorrowedDocument?

    /// - Parameter typeBefore: The type of the previous event. If this one has the same, no new string is allocated.
    /// - Throws: ``DaybookError/Code/unreadableEvent`` when the envelope is not one that the journal's validator
    ///   accepts.
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
