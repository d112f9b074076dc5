package import DaybookBSON

/// An event as the journal stores it: the part that an aggregate is folded from.
package struct ReplayedEvent: Sendable, Hashable {
    package var type: String
    package var schema: Int32
    package var data: BSONDocument

    package init(type: String, schema: Int32, data: BSONDocument) {
        self.type = type
        self.schema = schema
        self.data = data
    }
}
