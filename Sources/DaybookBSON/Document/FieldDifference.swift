/// One place at which two documents differ.
package struct FieldDifference: Sendable, Hashable {
    /// The keys from the document to the place, with dots between them; empty for the document itself.
    package var path: String
    /// The value of the one; nil when it has none there.
    package var before: BSONValue?
    /// The value of the other; nil when it has none there.
    package var after: BSONValue?

    package init(path: String, before: BSONValue?, after: BSONValue?) {
        self.path = path
        self.before = before
        self.after = after
    }
}
