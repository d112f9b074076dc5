internal import DaybookBSON

/// What the journal stores of an event besides its envelope.
struct StoredEvent: Sendable {
    var type: String
    var schema: Int32
    var data: BSONDocument
}
