/// The names of the fields of a snapshot's document; see ``EventKey``.
package enum SnapshotKey<Text: ExpressibleByStringLiteral> {
    package static var id: Text { "_id" }
    package static var version: Text { "version" }
    package static var state: Text { "state" }
    package static var stateSchema: Text { "stateSchema" }
    package static var digest: Text { "digest" }
    package static var head: Text { "head" }
    package static var createdAt: Text { "createdAt" }
    package static var updatedAt: Text { "updatedAt" }
    /// Written by a transaction's guard; its value has no meaning for the aggregate.
    package static var lock: Text { "lock" }

    // In `head`.
    package static var headID: Text { "eventId" }
    package static var headRecordedAt: Text { "recordedAt" }
}

extension SnapshotKey<String> {
    /// The path of a field of the state, as in queries and indexes.
    package static func path(ofStateField name: String) -> String { "\(state).\(name)" }
}
