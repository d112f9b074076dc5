/// The names of the fields of a view's document; see ``EventKey``.
package enum ViewKey<Text: ExpressibleByStringLiteral> {
    package static var id: Text { "_id" }
    /// As in a snapshot, so that a declared field has the same path in both.
    package static var state: Text { "state" }
    package static var events: Text { "events" }
}
