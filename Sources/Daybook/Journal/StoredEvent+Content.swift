internal import DaybookBSON

extension StoredEvent {
    /// An event as the journal would have it, in a commit of its own. Tests of what reads the journal are built on it.
    ///
    /// - Parameter id: The event's id, which also says when it was recorded.
    package init(_ content: EventContent, of aggregateID: AggregateID, version: Int64, id: EventID) throws {
        let event = JournalEvent(
            id: id.uuid, aggregateID: aggregateID.rawValue, version: version, type: content.type,
            schema: content.schema, recordedAt: BSONDate(milliseconds: Int64(id.milliseconds)),
            commit: .init(id: id.uuid, index: 0, count: 1), metadata: EventMetadata())
        try self.init(event.document(data: content.data))
    }
}
