package import DaybookBSON

extension MongoClient {
    /// The changes of a collection from now on, or behind `resumeAfter`.
    ///
    /// - Parameters:
    ///   - filter: Which changes, by a filter on change documents; all, unless given.
    ///   - fields: What of a change document is sent; all of it, unless given.
    ///   - maximumWait: How long the server holds an empty answer back.
    ///   - decode: Makes the element of the change document, on the stream's thread, while it is borrowed.
    package func changes<Change: Sendable>(
        of namespace: Namespace, matching filter: BSONDocument? = nil, showing fields: [String] = [],
        resumeAfter: ResumeToken? = nil,
        maximumWait: Duration = .milliseconds(500), decode: @escaping @Sendable (BorrowedDocument) throws -> Change
    ) -> ChangeStream<Change> {
        ChangeStream(
            client: self, namespace: namespace, filter: filter, fields: fields, resumeAfter: resumeAfter,
            maximumWait: maximumWait,
            decode: decode)
    }
}
