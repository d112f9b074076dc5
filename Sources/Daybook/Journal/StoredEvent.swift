public import DaybookBSON
public import Foundation

/// An event as the journal stores it, read without the code of its aggregate. For code that passes events on, such as a
/// subscriber, a publisher or an event stream.
///
/// The envelope is read when the value is made. The payload stays encoded until it is used: by ``data`` as a document,
/// or by ``decoded(as:)`` as an event of the aggregate.
///
/// ```swift
/// let event = try StoredEvent(document)
/// if event.aggregateID.type == License.type {
///     let renewed = try event.decoded(as: License.self)
/// }
/// ```
public struct StoredEvent: Sendable, Hashable {
    /// The whole document, as the journal has it; its `bytes` are its BSON.
    public let document: BSONDocument
    /// The aggregate it happened to, by type and key.
    public let aggregateID: AggregateID
    private let envelope: JournalEvent

    /// Reads the envelope of a document of the journal. Fields that this version of Daybook does not know are ignored.
    ///
    /// - Throws: ``DaybookError/Code/unreadableEvent`` when a field of the envelope is missing or malformed; the error
    ///   has the aggregate id and the version as far as they can be read.
    public init(_ document: BSONDocument) throws {
        envelope = try document.withBorrowed { try JournalEvent($0) }
        do throws(DaybookError) {
            aggregateID = try AggregateID(parsing: envelope.aggregateID)
        } catch {
            throw DaybookError(
                .unreadableEvent, "an event of the journal has an aggregate id that cannot be: \(error.message)",
                aggregateID: envelope.aggregateID, version: envelope.version, underlying: error)
        }
        self.document = document
    }

    /// The event's id, a UUID of version 7.
    public var id: UUID { envelope.id }

    /// Its position in its aggregate, from 1.
    public var version: Int64 { envelope.version }

    /// Its stored type, such as `renewed`. A type that begins with `$` is Daybook's own: `$corrected` is a
    /// ``Correction``.
    public var type: String { envelope.type }

    /// The schema of its stored form; see ``Upcaster``.
    public var schema: Int32 { envelope.schema }

    /// When it was recorded, to the millisecond; one time for a whole commit.
    public var recordedAt: Date { envelope.recordedAt.date }

    /// The commit it belongs to: the same id for each of its events, across aggregates.
    public var commitID: UUID { envelope.commit.id }

    /// Its position in its commit, from 0.
    public var commitIndex: Int { Int(envelope.commit.index) }

    /// How many events its commit has, on all of its aggregates.
    public var commitCount: Int { Int(envelope.commit.count) }

    /// The recorded cause of the event. The first event of each command has the command's id.
    public var metadata: EventMetadata { envelope.metadata }

    /// The payload as it is stored, not upcast. Each use copies it out of ``document``.
    public var data: BSONDocument { (try? withData { BSONDocument($0) }) ?? BSONDocument() }

    /// The event, decoded and upcast to the aggregate's current `Event`.
    ///
    /// - Throws: ``DaybookError``: `invalidArgument` when the event is of another aggregate type; `unknownEvent` when
    ///   the code has no such event and no upcaster for it; `unreadableEvent` when the payload cannot be decoded.
    public func decoded<A: Aggregate>(as aggregate: A.Type) throws -> RecordedEvent<A> {
        guard aggregateID.type == A.type else {
            throw DaybookError(
                .invalidArgument, "event \(version) of \(aggregateID) is not one of the type \"\(A.type)\"",
                aggregateID: aggregateID.rawValue, version: version)
        }
        return try decoded(by: EventCoding<A>())
    }

    /// - Parameter coding: A coding to share between many events.
    package func decoded<A: Aggregate>(by coding: EventCoding<A>) throws -> RecordedEvent<A> {
        let body = try withData { data in
            try coding.decode(
                type: type, schema: schema, data: data, aggregateID: aggregateID.rawValue, version: version)
        }
        return RecordedEvent(
            id: id, aggregateID: aggregateID, version: version, type: type, schema: schema, recordedAt: recordedAt,
            commitID: commitID, metadata: metadata, body: body)
    }

    private func withData<R>(_ body: (BorrowedDocument) throws -> R) throws -> R {
        try document.withBorrowed { try body(BorrowedEvent($0, typeBefore: type).data) }
    }
}
