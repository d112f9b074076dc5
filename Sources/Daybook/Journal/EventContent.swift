package import DaybookBSON

/// The content of an event in its stored form: what an aggregate is folded from, without its place in the journal.
package struct EventContent: Sendable, Hashable {
    package var type: String
    package var schema: Int32
    package var data: BSONDocument
    /// The command that led to the event, on the first event of each command.
    var command: CommandIdentity?

    package init(type: String, schema: Int32, data: BSONDocument) {
        self.type = type
        self.schema = schema
        self.data = data
    }
}
