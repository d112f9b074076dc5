internal import DaybookBSON

/// Encodes an aggregate's events into their stored form, and decodes and upcasts stored events.
///
/// It is an object, so that the metadata of the aggregate's types is looked up once and not for each event.
package final class EventCoding<A: Aggregate>: Sendable {
    private let upcasters = A.upcasters
    // Kept, because coders cache what they learn about the events' types.
    let encoder = BSONEncoder()
    let decoder = BSONDecoder()
    /// A separate encoder for commands, so that the types of commands and events do not evict each other from one
    /// cache.
    let commandEncoder = BSONEncoder()

    /// What is known about dates that the states after these events compute.
    let computedDates: ComputedDates

    /// - Parameter looksAtEveryState: Whether a fold checks every intermediate state for dates that its stored form
    ///   does not have. Where many events are folded, a sample is enough; see ``ComputedDates``.
    package init(looksAtEveryState: Bool = false) {
        computedDates = ComputedDates(areAssumed: looksAtEveryState)
    }

    /// The stored form of an event, in its type's current schema.
    ///
    /// - Throws: ``DaybookError/Code/notEncodable``
    func encode(_ event: A.Event) throws -> EventContent {
        let (type, data): (String, BSONDocument)
        do {
            (type, data) = try encoder.encodeCase(event)
        } catch {
            throw DaybookError(.notEncodable, "an event cannot be encoded: \(describe(error))", underlying: error)
        }
        guard !Correction.isReserved(type), !type.isEmpty else {
            throw DaybookError(
                .notEncodable,
                "an event has the type \"\(type)\"; types that begin with $ are Daybook's own. Give the case another "
                    + "key."
            )
        }
        guard let schema = upcasters.currentSchema(of: type) else {
            throw DaybookError(.notEncodable, "an event has the type \"\(type)\", which an upcaster retires for good")
        }
        return EventContent(type: type, schema: schema, data: data)
    }

    /// The stored forms of what a command decided; see ``encode(_:)->EventContent``.
    func encode(_ events: [A.Event]) throws -> [EventContent] {
        var stored: [EventContent] = []
        stored.reserveCapacity(events.count)
        for event in events { stored.append(try encode(event)) }
        return stored
    }

    /// Decodes and upcasts a stored event.
    ///
    /// - Throws: ``DaybookError/Code/unknownEvent`` and ``DaybookError/Code/unreadableEvent``, with the aggregate and
    ///   the version.
    func decode(
        type: String, schema: Int32, data: BorrowedDocument, aggregateID: String, version: Int64
    ) throws -> RecordedEvent<A>.Body {
        do {
            if Correction.isReserved(type) { return .correction(try correction(type, schema, data)) }
            return try upcast(type, schema, data, stepsLeft: upcasters.count)
        } catch {
            throw Self.failure(error, type, schema, aggregateID, version)
        }
    }

    /// Whether events of this type can be decoded by ``decodeEvent(type:schema:data:aggregateID:version:)``.
    func isPlain(_ type: String) -> Bool { upcasters.isEmpty && !Correction.isReserved(type) }

    /// Decodes a stored event that is neither upcast nor a correction, as nearly all are; see
    /// ``decode(type:schema:data:aggregateID:version:)``.
    func decodeEvent(
        type: String, schema: Int32, data: BorrowedDocument, aggregateID: String, version: Int64
    ) throws -> A.Event {
        do {
            return try current(type, schema, data)
        } catch {
            throw Self.failure(error, type, schema, aggregateID, version)
        }
    }

    private static func failure(
        _ error: any Error, _ type: String, _ schema: Int32, _ aggregateID: String, _ version: Int64
    ) -> DaybookError {
        guard let error = error as? DaybookError else {
            return DaybookError(
                .unreadableEvent,
                "event \(version) of type \"\(type)\" in schema \(schema) cannot be decoded: \(describe(error))",
                aggregateID: aggregateID, version: version, underlying: error)
        }
        return DaybookError(
            error.code, "event \(version) of type \"\(type)\" in schema \(schema): \(error.message)",
            aggregateID: aggregateID, version: version, underlying: error.underlying)
    }

    private func upcast(
        _ type: String, _ schema: Int32, _ data: BorrowedDocument, stepsLeft: Int
    ) throws -> RecordedEvent<A>.Body {
        guard let next = upcasters.first(where: { $0.applies(to: type, schema: schema) }) else {
            return .event(try current(type, schema, data))
        }
        guard stepsLeft > 0 else {
            throw DaybookError(.unknownEvent, "its upcasters lead in a circle")
        }
        switch next.step {
        case .retire: return .retired(type: type)
        case .rename(let newType, let newSchema): return try upcast(newType, newSchema, data, stepsLeft: stepsLeft - 1)
        case .transform(let convert):
            let converted: BSONDocument
            do {
                converted = try convert(data)
            } catch {
                throw DaybookError(
                    .unreadableEvent, "it cannot be upcast from schema \(schema) of \"\(type)\": \(describe(error))",
                    underlying: error)
            }
            return try converted.withBorrowed { try upcast(type, schema + 1, $0, stepsLeft: stepsLeft - 1) }
        }
    }

    private func current(_ type: String, _ schema: Int32, _ data: BorrowedDocument) throws -> A.Event {
        guard schema == (upcasters.isEmpty ? 1 : upcasters.currentSchema(of: type)) else {
            throw DaybookError(
                .unknownEvent,
                "this program cannot read schema \(schema) of \"\(type)\": a newer one wrote it, or an upcaster is "
                    + "missing"
            )
        }
        do {
            return try decoder.decodeCase(A.Event.self, name: type, payload: data)
        } catch let error as BSONError where error.code == .unknownCase {
            throw DaybookError(
                .unknownEvent,
                "\(A.Event.self) has no such case: a newer program wrote it, or the case was removed without an "
                    + "upcaster",
                underlying: error)
        }
    }

    private func correction(_ type: String, _ schema: Int32, _ data: BorrowedDocument) throws -> Correction {
        guard type == Correction.eventType, schema == Correction.schema else {
            throw DaybookError(
                .unknownEvent, "this version of Daybook does not know it: a newer one wrote it")
        }
        return try Correction(data)
    }
}
