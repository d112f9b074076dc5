package import DaybookBSON

/// A field of an event's document, in the order in which ``JournalEvent/document(data:)`` writes the fields.
package enum EventField: Int, CaseIterable {
    case id, aggregateID, version, type, schema, data, recordedAt, commit, metadata

    package var key: StaticString {
        switch self {
        case .id: EventKey.id
        case .aggregateID: EventKey.aggregateID
        case .version: EventKey.version
        case .type: EventKey.type
        case .schema: EventKey.schema
        case .data: EventKey.data
        case .recordedAt: EventKey.recordedAt
        case .commit: EventKey.commit
        case .metadata: EventKey.metadata
        }
    }

    package var name: String { key.description }

    /// The field whose key `element` has; nil for an unknown key. The search begins with the field `expected`.
    ///
    /// For an event that Daybook wrote, each field costs one comparison.
    @inline(__always)
    package init?(of element: BorrowedElement, expecting expected: Int = 0) {
        var next = expected
        for _ in 0..<Self.count {
            if next == Self.count { next = 0 }
            guard let field = EventField(rawValue: next) else { return nil }
            if element.hasKey(field.key) {
                self = field
                return
            }
            next += 1
        }
        return nil
    }

    private static let count = EventField.metadata.rawValue + 1
}
