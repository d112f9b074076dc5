internal import DaybookBSON

/// The place of an event in the journal: its aggregate and its version.
package struct JournalHead: Sendable {
    package let id: AggregateID
    package let version: Int64

    /// Returns nil for an event that no Daybook writer wrote. It must not stop a reader that follows the journal;
    /// `verify` reports it.
    init?(_ event: BorrowedDocument) {
        guard let place = EventPlace(event), let version = place.version,
            let text = String(validating: place.aggregateID, as: UTF8.self), let id = try? AggregateID(parsing: text)
        else { return nil }
        self.id = id
        self.version = version
    }
}
