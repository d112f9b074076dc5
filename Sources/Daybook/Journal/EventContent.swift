package import DaybookBSON

/// What an event says, in its stored form: the part that an aggregate is folded from, without a place in the journal.
package struct EventContent: Sendable, Hashable {
    package var type: String
    package var schema: Int32
    package var data: BSONDocument
    /// The command that the event comes from, on the first event of each command.
    var command: CommandIdentity?

    package init(type: String, schema: Int32, data: BSONDocument) {
        self.type = type
        self.schema = schema
        self.data = data
    }
}
