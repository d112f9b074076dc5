package import DaybookBSON

extension MongoClient {
    /// The documents that match, each decoded by `decode` on the connection's thread while it is borrowed.
    ///
    /// Documents arrive in batches, with one change of threads for each batch. The next batch is requested when the
    /// last element of a batch was returned. A connection is held from the first element until the end, an error, or
    /// the iterator's deinit. A result that fits into one batch releases it at once.
    package func find<Element: Sendable>(
        _ filter: BSONDocument, in namespace: Namespace, options: FindOptions,
        decode: @escaping @Sendable (BorrowedDocument) throws -> Element
    ) -> CursorSequence<Element> {
        CursorSequence(client: self, request: .find(filter), namespace: namespace, options: options, decode: decode)
    }

    /// The documents that a pipeline returns; otherwise as ``find(_:in:options:decode:)``.
    package func aggregate<Element: Sendable>(
        _ pipeline: [BSONDocument], in namespace: Namespace, options: FindOptions,
        decode: @escaping @Sendable (BorrowedDocument) throws -> Element
    ) -> CursorSequence<Element> {
        CursorSequence(
            client: self, request: .pipeline(pipeline), namespace: namespace, options: options, decode: decode)
    }
}
