package import DaybookBSON

/// Where an event is in the journal: as much of its borrowed document as that takes, as far as it can be read.
package struct EventPlace {
    /// The UTF-8 of the id, valid as long as the document.
    package let aggregateID: UnsafeRawBufferPointer
    /// Nil when it is not an integer.
    package let version: Int64?

    /// Nil when not even the aggregate can be read.
    package init?(_ document: BorrowedDocument) {
        let fields = EventFields(placeIn: document)
        guard let aggregateID = fields.aggregateID else { return nil }
        self.aggregateID = aggregateID
        version = fields.version
    }
}
