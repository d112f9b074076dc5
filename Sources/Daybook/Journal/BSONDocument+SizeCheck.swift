internal import DaybookBSON
internal import DaybookMongo

/// The largest event, as it is stored.
///
/// MongoDB stores documents of 16 MiB. But the event must also fit into a change of a change stream: a change is larger
/// than its document, and the server ends a stream with a change of more than 16 MiB.
/// https://www.mongodb.com/docs/manual/administration/change-streams-production-recommendations/
package let maximumEventBytes = 15 * 1024 * 1024

extension BSONDocument {
    /// Checks that a document is within a limit; within MongoDB's where no other is given.
    ///
    /// - Throws: ``DaybookError/Code/tooLarge``
    static func check(
        _ document: BSONDocument, _ what: @autoclosure () -> String, _ id: AggregateID, _ version: Int64,
        limit: Int = maximumDocumentBytes
    ) throws {
        guard document.bytes.count > limit else { return }
        throw DaybookError(
            .tooLarge,
            "\(what()) has \(document.bytes.count) bytes; it may have at most \(limit). Nothing was written.",
            aggregateID: id.rawValue, version: version)
    }
}
