internal import DaybookBSON

/// The largest document that MongoDB stores: https://www.mongodb.com/docs/manual/reference/limits/
package let maximumDocumentBytes = 16 * 1024 * 1024

extension MongoConnection {
    /// - Throws: ``MongoError`` `tooLarge` for a document that is too large for the server.
    func checkSize(_ document: BSONDocument, operation: String, namespace: Namespace, index: Int?) throws(MongoError) {
        if let error = tooLarge(document, operation: operation, namespace: namespace, index: index) { throw error }
    }

    /// The error for a document that is too large for the server; nil for any other.
    func tooLarge(_ document: BSONDocument, operation: String, namespace: Namespace, index: Int?) -> MongoError? {
        guard document.bytes.count > maximumDocumentBytes else { return nil }
        var error = MongoError(
            .tooLarge,
            "a document of \(document.bytes.count) bytes is over MongoDB's limit of \(maximumDocumentBytes); it was "
                + "not sent"
        )
        error.operation = operation
        error.namespace = namespace.description
        error.index = index
        return error
    }
}
