package import DaybookBSON

/// The aggregate and version of an event that was just appended, from the journal's change stream.
package struct JournalHead: Sendable {
    package let id: AggregateID
    package let version: Int64
    /// The time of the server's operation that appended it; nil where the server does not report it.
    package let clusterTime: BSONTimestamp?

    /// Returns nil for an event that no Daybook writer wrote. It must not stop a reader that follows the journal;
    /// `verify` reports it.
    init?(_ event: BorrowedDocument, clusterTime: BSONTimestamp? = nil) {
        guard let place = EventPlace(event), let version = place.version,
            let text = String(validating: place.aggregateID, as: UTF8.self), let id = try? AggregateID(parsing: text)
        else { return nil }
        self.id = id
        self.version = version
        self.clusterTime = clusterTime
    }
}
