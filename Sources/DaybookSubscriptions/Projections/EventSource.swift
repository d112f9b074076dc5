public import Daybook

/// The events of one kind of aggregate that a ``Projection`` is made of.
public struct EventSource<P: Projection>: Sendable {
    /// An event's change of one document.
    package struct Change: Sendable {
        package let key: String
        package let apply: @Sendable (inout P.Document) throws -> Void
    }

    package let type: AggregateType
    /// The changes that an event makes, with the documents' keys.
    package let changes: @Sendable (StoredEvent) throws -> [Change]

    /// The events of `aggregate`, each of which changes at most one document.
    ///
    /// - Parameters:
    ///   - key: The key of the document that the event changes; nil for an event that changes none. Where it has to be
    ///     known to a later event too, the aggregate records it in its events, or its own key is the document's.
    ///   - apply: Changes the document. It must do nothing else.
    public static func events<A: Aggregate>(
        of aggregate: A.Type, key: @escaping @Sendable (RecordedEvent<A>) throws -> String?,
        apply: @escaping @Sendable (RecordedEvent<A>, inout P.Document) throws -> Void
    ) -> EventSource {
        events(of: aggregate, keys: { try key($0).map { [$0] } ?? [] }, apply: { try apply($0, &$2) })
    }

    /// The events of `aggregate`, each of which changes any number of documents.
    ///
    /// - Parameters:
    ///   - keys: The keys of the documents that the event changes. One that is given twice counts once.
    ///   - apply: Changes the document of a key. It must do nothing else.
    public static func events<A: Aggregate>(
        of aggregate: A.Type, keys: @escaping @Sendable (RecordedEvent<A>) throws -> [String],
        apply: @escaping @Sendable (RecordedEvent<A>, _ key: String, inout P.Document) throws -> Void
    ) -> EventSource {
        let coding = EventCoding<A>()
        return EventSource(type: A.type) { stored in
            let event = try stored.decoded(by: coding)
            var seen: [String] = []
            for key in try keys(event) where !seen.contains(where: { $0.utf8.elementsEqual(key.utf8) }) {
                try check(key)
                seen.append(key)
            }
            return seen.map { key in Change(key: key) { try apply(event, key, &$0) } }
        }
    }

    /// A key follows the rule of an aggregate's key, so that it has one spelling.
    private static func check(_ key: String) throws {
        do {
            try AggregateID.check(key, what: "key", maximumBytes: 1_000)
        } catch {
            throw DaybookError(
                .invalidArgument, "the projection \"\(P.name)\" gives a key that cannot be: \(error.message)")
        }
    }
}

extension RecordedEvent {
    /// The event; nil for a correction and for a retired event.
    public var event: A.Event? {
        if case .event(let event) = body { event } else { nil }
    }
}
