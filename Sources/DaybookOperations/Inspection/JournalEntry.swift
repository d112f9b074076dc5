package import Daybook
package import DaybookBSON
package import Foundation

/// An event as the journal has it, read without any aggregate's code: to be looked at, also when it is damaged.
///
/// A field that is missing or of another form is nil; ``document`` is all there is.
package struct JournalEntry: Sendable, Hashable {
    /// The whole document, as it is stored.
    package let document: BSONDocument

    package init(_ document: BSONDocument) {
        self.document = document
    }

    package var id: UUID? {
        document.withBorrowed { try? $0.first("_id")?.uuid() }
    }

    package var aggregateID: String? { text("aggregateId") }

    package var version: Int64? {
        switch document["version"] {
        case .int64(let version): version
        case .int32(let version): Int64(version)
        default: nil
        }
    }

    package var type: String? { text("type") }

    package var schema: Int32? {
        guard case .int32(let schema)? = document["schema"] else { return nil }
        return schema
    }

    package var recordedAt: Date? {
        guard case .datetime(let date)? = document["recordedAt"] else { return nil }
        return date.date
    }

    package var data: BSONDocument? {
        guard case .document(let data)? = document["data"] else { return nil }
        return data
    }

    /// Of metadata that is damaged, what comes before the damage.
    package var metadata: EventMetadata {
        guard case .document(let meta)? = document["meta"] else { return EventMetadata() }
        return meta.withBorrowed { try? EventMetadata($0) } ?? EventMetadata()
    }

    /// Whether a ``Correction`` is recorded, and no event of the aggregate.
    package var isCorrection: Bool { type == Correction.eventType }

    private func text(_ key: String) -> String? {
        guard case .string(let text)? = document[key] else { return nil }
        return text
    }
}
