package import DaybookBSON

extension MongoClient {
    /// The changes of a database's collections from now on, or after `resumeAfter`.
    ///
    /// - Parameters:
    ///   - filter: A filter on change documents; nil for all changes.
    ///   - fields: The fields of a change document that the server sends; empty for all.
    ///   - maximumWait: How long the server waits for a change before it sends an empty reply.
    ///   - decode: Makes the element from the borrowed change document, on the stream's thread.
    package func changes<Change: Sendable>(
        of database: String, matching filter: BSONDocument? = nil, showing fields: [String] = [],
        resumeAfter: ResumeToken? = nil,
        maximumWait: Duration = .milliseconds(500), decode: @escaping @Sendable (BorrowedDocument) throws -> Change
    ) -> ChangeStream<Change> {
        ChangeStream(
            client: self, database: database, filter: filter, fields: fields, resumeAfter: resumeAfter,
            maximumWait: maximumWait,
            decode: decode)
    }
}
