package import DaybookBSON

/// An event that was just appended, as the journal's change stream tells of it.
package struct JournalHead: Sendable {
    package let id: AggregateID
    package let version: Int64
    /// Of the server's operation that appended it; nil where it does not say.
    package let clusterTime: BSONTimestamp?

    /// Nil for what no writer of Daybook has put there: it is for verify to report, and must not hold up what stands behind it.
    init?(_ event: BorrowedDocument, clusterTime: BSONTimestamp? = nil) {
        guard let text = try? event.first("aggregateId")?.string(), let version = try? event.first("version")?.int64(),
            let id = try? AggregateID(parsing: text)
        else { return nil }
        self.id = id
        self.version = version
        self.clusterTime = clusterTime
    }
}
