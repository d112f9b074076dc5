internal import DaybookBSON
internal import Foundation

/// How an aggregate's events become what the journal stores, and back.
enum EventCoding<A: Aggregate> {
    /// The schema of every event type that has no upcaster.
    static var schema: Int32 { 1 }

    /// The stored type and payload of `event`.
    ///
    /// - Throws: ``DaybookError/Code/notEncodable``
    static func encode(_ event: A.Event) throws -> (type: String, data: BSONDocument) {
        do {
            let (name, payload) = try BSONEncoder().encodeCase(event)
            return (name, payload)
        } catch {
            throw DaybookError(.notEncodable, "an event cannot be encoded: \(describe(error))", underlying: error)
        }
    }

    /// The event of a stored type and payload.
    ///
    /// - Throws: ``DaybookError/Code/unknownEvent`` and ``DaybookError/Code/unreadableEvent``, with the aggregate and the version.
    static func decode(type: String, schema: Int32, data: BorrowedDocument, aggregateID: String, version: Int64) throws -> A.Event
    {
        guard schema == Self.schema else {
            throw DaybookError(
                .unknownEvent,
                "event \(version) has the type \"\(type)\" in schema \(schema), which this program cannot read: a newer one wrote it",
                aggregateID: aggregateID, version: version)
        }
        do {
            return try BSONDecoder().decodeCase(A.Event.self, name: type, payload: data)
        } catch let error as BSONError where error.code == .unknownCase {
            throw DaybookError(
                .unknownEvent,
                "event \(version) has the type \"\(type)\", which \(A.Event.self) does not have: a newer program wrote it, or a case was removed",
                aggregateID: aggregateID, version: version, underlying: error)
        } catch {
            throw DaybookError(
                .unreadableEvent, "event \(version) of type \"\(type)\" cannot be decoded: \(describe(error))",
                aggregateID: aggregateID, version: version, underlying: error)
        }
    }
}

/// What a coding error says, without the values it happened on. The keys on the way to it are shown, those of a dictionary too: like an
/// aggregate's key they must not be personal data.
func describe(_ error: any Error) -> String {
    func place(_ context: [any CodingKey]) -> String {
        context.isEmpty ? "" : " at \(context.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: "."))"
    }
    /// Only our codec's sentences are known to be without values: Swift's own quotes a raw value that an enum does not have.
    func reason(_ below: (any Error)?) -> String {
        (below as? BSONError)?.message ?? "its value is not one that the type takes"
    }
    switch error {
    case let DecodingError.keyNotFound(key, context):
        return "the field \"\(key.stringValue)\" is missing\(place(context.codingPath))"
    case let DecodingError.valueNotFound(type, context): return "a \(type) is missing\(place(context.codingPath))"
    case let DecodingError.typeMismatch(type, context): return "it is not a \(type)\(place(context.codingPath))"
    case let DecodingError.dataCorrupted(context): return "\(reason(context.underlyingError))\(place(context.codingPath))"
    case let EncodingError.invalidValue(_, context): return "\(reason(context.underlyingError))\(place(context.codingPath))"
    case let error as BSONError: return "\(error)"
    case let error as DaybookError: return error.message
    default: return "its own code throws \(type(of: error))"
    }
}
