package import DaybookBSON

extension MongoClient {
    /// The documents that match, each decoded by `decode` on the connection's thread while it is borrowed.
    ///
    /// Documents come in batches: a change of thread for each batch, not for each document, and the next batch is asked for when the
    /// last is used up. A connection is held from the first element to the end, an error, or the iterator's end of life; a result that
    /// fits one batch gives it back at once.
    package func find<Element: Sendable>(
        _ filter: BSONDocument, in namespace: Namespace, options: FindOptions,
        decode: @escaping @Sendable (BorrowedDocument) throws -> Element
    ) -> CursorSequence<Element> {
        CursorSequence(client: self, request: .find(filter), namespace: namespace, options: options, decode: decode)
    }

    /// The documents that a pipeline gives; otherwise as ``find(_:in:options:decode:)``.
    package func aggregate<Element: Sendable>(
        _ pipeline: [BSONDocument], in namespace: Namespace, options: FindOptions,
        decode: @escaping @Sendable (BorrowedDocument) throws -> Element
    ) -> CursorSequence<Element> {
        CursorSequence(client: self, request: .pipeline(pipeline), namespace: namespace, options: options, decode: decode)
    }
}
