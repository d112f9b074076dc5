internal import DaybookBSON
internal import DaybookMongo

extension BSONDocument {
    /// Checks that a document is within MongoDB's size limit.
    ///
    /// - Throws: ``DaybookError/Code/tooLarge``
    static func check(
        _ document: BSONDocument, _ what: @autoclosure () -> String, _ id: AggregateID, _ version: Int64
    ) throws {
        guard document.bytes.count > maximumDocumentBytes else { return }
        throw DaybookError(
            .tooLarge,
            "\(what()) has \(document.bytes.count) bytes; MongoDB stores at most \(maximumDocumentBytes). Nothing was "
                + "written.",
            aggregateID: id.rawValue, version: version)
    }
}
