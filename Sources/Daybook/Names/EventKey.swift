/// The names of the fields of an event's document. No other code spells them; `scripts/check-names` checks that.
///
/// A name takes the type that its use asks for: `StaticString` where the reader compares it with a document's keys,
/// `String` where it is written or is part of a filter. To the compiler each use is a literal, so none costs a
/// conversion.
package enum EventKey<Text: ExpressibleByStringLiteral> {
    package static var id: Text { "_id" }
    package static var aggregateID: Text { "aggregateId" }
    package static var version: Text { "version" }
    package static var type: Text { "type" }
    package static var schema: Text { "schema" }
    package static var data: Text { "data" }
    package static var recordedAt: Text { "recordedAt" }
    package static var commit: Text { "commit" }
    package static var metadata: Text { "meta" }

    // In `commit`.
    package static var commitID: Text { "id" }
    package static var commitIndex: Text { "index" }
    package static var commitCount: Text { "count" }

    // In `meta`.
    package static var commandID: Text { "commandId" }
    package static var commandName: Text { "commandName" }
    package static var commandDigest: Text { "commandDigest" }
    package static var correlationID: Text { "correlationId" }
    package static var causationID: Text { "causationId" }
    package static var actor: Text { "actor" }
    package static var headers: Text { "headers" }

    // Paths: in indexes, filters and projections, and in the changes of a change stream.
    package static var commitIDPath: Text { "commit.id" }
    package static var commandIDPath: Text { "meta.commandId" }
    package static var changedAggregateIDPath: Text { "fullDocument.aggregateId" }
    package static var changedVersionPath: Text { "fullDocument.version" }
}

/// The names of the fields of a correction's payload.
package enum CorrectionKey<Text: ExpressibleByStringLiteral> {
    package static var patch: Text { "patch" }
    package static var stateSchema: Text { "stateSchema" }
    package static var reason: Text { "reason" }
    package static var actor: Text { "actor" }
}
