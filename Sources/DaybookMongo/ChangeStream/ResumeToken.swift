package import DaybookBSON

/// Where a change stream resumes. It is opaque. Save it only when everything before it was handled.
package struct ResumeToken: Sendable, Hashable {
    package let document: BSONDocument

    /// Returns nil for an empty document, which libmongoc treats as no token: it would open the stream at the present.
    /// https://github.com/mongodb/mongo-c-driver/blob/1.23.2/src/libmongoc/src/mongoc/mongoc-change-stream.c
    package init?(_ document: BSONDocument) {
        guard document != BSONDocument() else { return nil }
        self.document = document
    }
}
