internal import CMongoC
package import DaybookBSON

extension MongoConnection {
    /// Inserts `documents` in order, in as few messages as the server's limits allow, and stops at the first that is
    /// refused.
    ///
    /// Every document must have an `_id`. The driver's check of field names is disabled, because it refuses names that
    /// our data may have.
    ///
    /// - Throws: ``MongoError``. For `duplicateKey` and `validationFailed`, ``MongoError/index`` is the refused
    ///   document's position. Outside a transaction the documents before that one were inserted.
    package func insert(
        _ documents: [BSONDocument], into namespace: Namespace, writeConcern: WriteConcern? = nil
    ) throws(MongoError) {
        guard !documents.isEmpty else { return }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(documents.reduce(0) { $0 + $1.bytes.count })
        for (index, document) in documents.enumerated() {
            try checkSize(document, operation: "insert", namespace: namespace, index: index)
            bytes.append(contentsOf: document.bytes)
        }
        let collection = try collection(namespace)
        let session = transactionSession
        let options = DriverOptions.adding(writeConcern, to: DriverOptions.withoutValidation)
        try perform("insert", on: namespace.description) {
            bytes.withUnsafeBufferPointer { buffer in
                options.withDriverBytes { options in
                    daybook_insert_many(
                        collection, daybook_bytes(data: buffer.baseAddress, length: buffer.count), documents.count,
                        options,
                        session, result)
                }
            }
        }
    }

    /// Updates one document with update operators.
    @discardableResult
    package func updateOne(
        _ selector: BSONDocument, with update: BSONDocument, upsert: Bool = false, in namespace: Namespace,
        writeConcern: WriteConcern? = nil
    ) throws(MongoError) -> UpdateResult {
        let options = DriverOptions.adding(writeConcern, to: DriverOptions.update(upsert: upsert))
        try change(daybook_write_update_one, "update", selector, update, options, namespace)
        return try updateResult()
    }

    /// Replaces one document.
    @discardableResult
    package func replaceOne(
        _ selector: BSONDocument, with replacement: BSONDocument, upsert: Bool = false, in namespace: Namespace,
        writeConcern: WriteConcern? = nil
    ) throws(MongoError) -> UpdateResult {
        try checkSize(replacement, operation: "replace", namespace: namespace, index: nil)
        let options = DriverOptions.adding(writeConcern, to: DriverOptions.update(upsert: upsert))
        try change(daybook_write_replace_one, "replace", selector, replacement, options, namespace)
        return try updateResult()
    }

    /// Deletes one document, and returns how many were deleted.
    @discardableResult
    package func deleteOne(
        _ selector: BSONDocument, in namespace: Namespace, writeConcern: WriteConcern? = nil
    ) throws(MongoError) -> Int {
        let options = DriverOptions.adding(writeConcern, to: [:])
        try change(daybook_write_delete_one, "delete", selector, nil, options, namespace)
        return reply().count("deletedCount")
    }

    private func change(
        _ kind: daybook_write, _ operation: String, _ selector: BSONDocument, _ change: BSONDocument?,
        _ options: BSONDocument, _ namespace: Namespace
    ) throws(MongoError) {
        let collection = try collection(namespace)
        let session = transactionSession
        try perform(operation, on: namespace.description) {
            selector.withDriverBytes { selector in
                change.withDriverBytes { change in
                    options.withDriverBytes { options in
                        daybook_write_with_selector(collection, kind, selector, change, options, session, result)
                    }
                }
            }
        }
    }

    private func updateResult() throws(MongoError) -> UpdateResult {
        let reply = reply()
        return UpdateResult(
            matched: reply.count("matchedCount"), modified: reply.count("modifiedCount"),
            upserted: reply.count("upsertedCount"))
    }
}
