/// One place at which two documents differ.
package struct FieldDifference: Sendable, Hashable {
    /// The keys from the document to the place, separated by dots; empty for the document itself.
    package var path: String
    /// The first document's value; nil when it has none there.
    package var before: BSONValue?
    /// The second document's value; nil when it has none there.
    package var after: BSONValue?

    package init(path: String, before: BSONValue?, after: BSONValue?) {
        self.path = path
        self.before = before
        self.after = after
    }
}
