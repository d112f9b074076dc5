internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions

extension DeadLetter {
    /// It as JSON.
    var document: BSONDocument {
        get throws {
            [
                "subscription": .string(subscription), EventKey.aggregateID: .string(aggregateID),
                EventKey.version: .int64(version),
                "type": .string(type), "error": .string(error), "attempts": .int64(Int64(attempts)),
                "since": .datetime(try BSONDate(since)), "isRetried": .bool(isRetried),
            ]
        }
    }

    /// A row of the list.
    var row: [String] {
        [
            subscription, aggregateID, "\(version)", type, since.rfc3339, "\(attempts)", isRetried ? "again" : "",
            error,
        ].map(Text.plain)
    }
}
