package import DaybookBSON

/// Where an event stands: what is read of it when nothing is folded, as far as it can be read.
package struct JournalPlace {
    /// The UTF-8 of the id, valid as long as the document.
    package let aggregateID: UnsafeRawBufferPointer
    /// Nil when it is not an integer.
    package let version: Int64?

    /// Nil when not even the aggregate can be read.
    package init?(_ document: BorrowedDocument) {
        var aggregateID: UnsafeRawBufferPointer?
        var version: Int64??
        var elements = document.makeElements()
        // What cannot be read ends the search, as the end of the document does.
        while aggregateID == nil || version == nil, let element = try? elements.next() {
            if aggregateID == nil, element.hasKey("aggregateId") {
                guard let id = try? element.stringBytes() else { return nil }
                aggregateID = id
            } else if version == nil, element.hasKey("version") {
                version = .some(try? element.int64())
            }
        }
        guard let aggregateID else { return nil }
        self.aggregateID = aggregateID
        self.version = version ?? nil
    }
}
