package import DaybookBSON

/// Where an event is that has just become visible.
package struct FeedEvent: Sendable {
    /// Its `_id`, of whatever type.
    package let id: BSONValue
    /// Its `aggregateId`, as it is stored.
    package let aggregateID: BSONValue?
    /// Its aggregate and version. Nil for what no writer of Daybook has put there: verify reports it, and it must not
    /// stop what follows the journal.
    package let head: JournalHead?
    /// When it was committed; nil where the server does not say.
    package let clusterTime: BSONTimestamp?

    /// - Parameter change: https://www.mongodb.com/docs/manual/reference/change-events/insert/
    init(_ change: BorrowedDocument) throws {
        guard let id = try change.first("documentKey")?.document().first(EventKey.id) else {
            throw BSONError(.corrupt, "The change stream's insert has no key.")
        }
        let event = try change.first("fullDocument")?.document()
        self.id = try id.value()
        aggregateID = try event?.first(EventKey.aggregateID)?.value()
        head = event.flatMap(JournalHead.init)
        clusterTime = try? change.first("clusterTime")?.timestamp()
    }
}
