package import DaybookBSON

/// Where a change stream goes on: opaque, kept by whoever has handled everything before it.
package struct ResumeToken: Sendable, Hashable {
    package let document: BSONDocument

    /// Nil for an empty document: libmongoc takes that for no token at all, and would open the stream at the present.
    /// https://github.com/mongodb/mongo-c-driver/blob/1.23.2/src/libmongoc/src/mongoc/mongoc-change-stream.c
    package init?(_ document: BSONDocument) {
        guard document != BSONDocument() else { return nil }
        self.document = document
    }
}
