package import DaybookBSON
package import Foundation

/// An event as the journal has it, read without the aggregate's code, for inspection. It may be damaged.
///
/// A field that is missing or malformed is nil. ``document`` has everything.
package struct JournalEntry: Sendable, Hashable {
    /// The whole document, as it is stored.
    package let document: BSONDocument
    package let id: UUID?
    package let aggregateID: String?
    package let version: Int64?
    package let type: String?
    package let schema: Int32?
    package let recordedAt: Date?
    package let commitID: UUID?
    /// Empty when it is missing or malformed.
    package let metadata: EventMetadata

    package init(_ document: BSONDocument) {
        self = document.withBorrowed { Self(document, EventFields(tolerant: $0)) }
    }

    private init(_ document: BSONDocument, _ fields: EventFields) {
        self.document = document
        id = fields.id
        aggregateID = fields.aggregateID.flatMap { String(validating: $0, as: UTF8.self) }
        version = fields.version
        type = fields.type
        schema = fields.schema
        recordedAt = fields.recordedAt?.date
        commitID = fields.commit.flatMap { try? $0.first(EventKey.commitID)?.uuid() }
        metadata = fields.metadata.flatMap { try? EventMetadata($0) } ?? EventMetadata()
    }

    package var data: BSONDocument? {
        guard case .document(let data)? = document[EventKey.data] else { return nil }
        return data
    }

    /// Whether this event is a ``Correction``.
    package var isCorrection: Bool { type == Correction.eventType }
}
