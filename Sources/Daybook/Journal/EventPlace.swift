package import DaybookBSON

/// The aggregate and version of an event, read from its borrowed document as far as they can be read.
package struct EventPlace {
    /// The UTF-8 of the id. Valid as long as the document.
    package let aggregateID: UnsafeRawBufferPointer
    /// Nil when it is not an integer.
    package let version: Int64?

    /// Returns nil when the aggregate id cannot be read.
    package init?(_ document: BorrowedDocument) {
        let fields = EventFields(placeIn: document)
        guard let aggregateID = fields.aggregateID else { return nil }
        self.aggregateID = aggregateID
        version = fields.version
    }
}
