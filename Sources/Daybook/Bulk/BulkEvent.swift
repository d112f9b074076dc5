internal import DaybookBSON

/// An event that is to be inserted as it is.
struct BulkEvent: Sendable {
    let aggregateID: AggregateID
    let version: Int64
    let document: BSONDocument
}
