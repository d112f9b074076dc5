package import DaybookBSON

/// An event that is to be inserted as it is.
package struct BulkEvent: Sendable {
    package let aggregateID: AggregateID
    package let version: Int64
    package let document: BSONDocument

    package init(aggregateID: AggregateID, version: Int64, document: BSONDocument) {
        self.aggregateID = aggregateID
        self.version = version
        self.document = document
    }
}
