package import DaybookBSON

/// The place of an event that was just appended, as the journal's change stream shows it.
package struct JournalHead: Sendable {
    package let id: AggregateID
    package let version: Int64
    /// Of the server's operation that appended it; nil where the server does not say.
    package let clusterTime: BSONTimestamp?

    /// Nil for what no writer of Daybook has put there: verify reports it, and it must not stop what follows the
    /// journal.
    init?(_ event: BorrowedDocument, clusterTime: BSONTimestamp? = nil) {
        guard let place = EventPlace(event), let version = place.version,
            let text = String(validating: place.aggregateID, as: UTF8.self), let id = try? AggregateID(parsing: text)
        else { return nil }
        self.id = id
        self.version = version
        self.clusterTime = clusterTime
    }
}
