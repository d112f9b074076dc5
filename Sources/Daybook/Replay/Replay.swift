package import DaybookBSON

/// Folds events without a store, exactly as a store does. Tests of an aggregate are built on it.
package struct Replay<A: Aggregate>: Sendable {
    private var fold: Fold<A>

    package init() {
        guard let id = try? AggregateID(A.type, key: "replay") else { preconditionFailure("\"replay\" is a valid key") }
        fold = Fold(id)
    }

    /// Begins with a given state, before any event.
    package init(state: A) {
        self.init()
        fold.state = state
    }

    package var state: A { fold.state }

    /// How many events were folded into the state.
    package var version: Int64 { fold.version }

    /// - Throws: ``DaybookError/Code/unknownEvent``, ``DaybookError/Code/unreadableEvent``
    package mutating func apply(_ event: EventContent) throws {
        try event.data.withBorrowed { try fold.apply(type: event.type, schema: event.schema, data: $0) }
        // The state need not be encodable, because it is not stored.
        _ = try? fold.normalize()
    }

    /// - Throws: ``DaybookError/Code/notEncodable``
    package func encodedState() throws -> BSONDocument { try fold.encodedState() }

    /// Why queries by the aggregate's declared fields would look in the wrong place, judged by this state. None where
    /// no snapshot is stored.
    ///
    /// - Throws: ``DaybookError/Code/notEncodable``
    package func fieldFaults() throws -> [String] {
        A.lifecycle == .live ? [] : A.fieldFaults(in: state, encodedAs: try encodedState())
    }

    /// Continues from the state's stored form, as a load does that trusts its snapshot.
    ///
    /// - Throws: ``DaybookError/Code/notEncodable``, also when the encoded state cannot be decoded.
    package mutating func reload() throws {
        let stored = try encodedState()
        do {
            fold.state = try stored.withBorrowed { try BSONDecoder().decode(A.self, from: $0) }
        } catch {
            throw DaybookError(
                .notEncodable,
                "the state after event \(version) cannot be decoded from what it encoded as: \(describe(error))",
                aggregateID: fold.id.rawValue, version: version, underlying: error)
        }
    }

    /// The stored form of `event`.
    ///
    /// - Throws: ``DaybookError/Code/notEncodable``
    package static func stored(_ event: A.Event) throws -> EventContent {
        try EventCoding<A>().encode(event)
    }

    /// The stored form, in the current schema, of an event that the journal holds; nil for one that was retired.
    package static func stored(again event: EventContent, version: Int64) throws -> EventContent? {
        let body = try event.data.withBorrowed { data in
            try EventCoding<A>().decode(
                type: event.type, schema: event.schema, data: data, aggregateID: "\(A.type)/replay", version: version)
        }
        return switch body {
        case .event(let event): try stored(event)
        case .correction: event
        case .retired: nil
        }
    }
}
