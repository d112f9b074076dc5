internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions

/// The events of a projection's test, each decoded once, by the documents that they change.
struct ProjectionFold<P: Projection>: Sendable {
    /// What one event does to one document.
    struct Step: Sendable {
        let event: StoredEvent
        /// One change for each of the projection's sources that the event is in.
        var changes: [EventSource<P>.Change]
    }

    /// What some steps give, one after the other.
    enum Outcome: Hashable {
        case document(BSONDocument)
        /// The projection threw, or the document cannot be stored.
        case failure(StoredEvent, reason: String)
    }

    /// For each document, the events that change it, in the order in which they were given.
    private(set) var steps: [String: [Step]] = [:]
    private var journal = GivenJournal()
    private let sources = P.sources
    private let encoder = BSONEncoder()
    private let decoder = BSONDecoder()

    /// The keys of the documents, by bytes, as MongoDB sorts them.
    var keys: [String] { steps.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }

    mutating func append(_ given: [GivenEvents], _ place: SourcePlace) throws {
        let known = journal.events.count
        for part in given { try part.append(&journal, place) }
        for event in journal.events[known...] {
            for source in sources where source.type == event.aggregateID.type {
                let changes: [EventSource<P>.Change]
                do { changes = try source.changes(event) } catch { throw Self.notHandled(event, error, place) }
                for change in changes { add(change, of: event) }
            }
        }
    }

    private mutating func add(_ change: EventSource<P>.Change, of event: StoredEvent) {
        let last = (steps[change.key]?.count ?? 0) - 1
        if last >= 0, steps[change.key]?[last].event.id == event.id {
            steps[change.key]?[last].changes.append(change)
        } else {
            steps[change.key, default: []].append(Step(event: event, changes: [change]))
        }
    }

    // MARK: One order

    func outcome(_ steps: [Step], _ key: String) -> Outcome {
        var state = ProjectionState<P.Document>()
        for step in steps {
            do { try Self.apply(step, to: &state) } catch { return .failure(step.event, reason: describe(error)) }
        }
        do {
            return .document(try state.document(key, encoder))
        } catch {
            guard let last = steps.last else { return .document([:]) }
            return .failure(last.event, reason: describe(error))
        }
    }

    /// The document of a key, in the order in which the events were given; nil when no event changes one.
    ///
    /// - Throws: ``TestFailure/Code/notHandled`` when the projection throws; ``TestFailure/Code/notDeterministic`` when
    ///   the document differs after it was stored and loaded on the way, or when the same events are applied again;
    ///   ``TestFailure/Code/notStorable``, ``TestFailure/Code/wrongField``.
    func document(_ key: String, _ place: SourcePlace) throws -> BSONDocument? {
        guard let steps = steps[key] else { return nil }
        let document = try storing(steps, key, place)
        for _ in 0..<3 {
            guard case .document(let again) = outcome(steps, key), again != document else { continue }
            throw TestFailure(
                .notDeterministic,
                [
                    "the document \"\(key)\" of \(P.self) is another one when the events are applied again: apply "
                        + "depends on time, on chance, or on an order that is none:"
                ].joined(DocumentDifference(document, again).lines("at first", "then").map { "  \($0)" }), place)
        }
        return document
    }

    /// Applies the steps to a state that stays in memory and to one that is stored and loaded after each, as processes
    /// do that come to the events in batches of any size.
    private func storing(_ steps: [Step], _ key: String, _ place: SourcePlace) throws -> BSONDocument {
        var straight = ProjectionState<P.Document>()
        var loaded = straight
        var document = BSONDocument()
        for step in steps {
            do {
                try Self.apply(step, to: &straight)
                try Self.apply(step, to: &loaded)
            } catch {
                throw Self.notHandled(step.event, error, place)
            }
            let detour: BSONDocument
            do {
                document = try straight.document(key, encoder)
                detour = try loaded.document(key, encoder)
                loaded = try detour.withBorrowed { try ProjectionState($0, decoder) }
            } catch {
                throw TestFailure(
                    .notStorable,
                    "the document \"\(key)\" of \(P.self) cannot be stored and loaded after \(Self.line(step.event)): "
                        + describe(error), place, underlying: error)
            }
            guard document == detour else {
                throw TestFailure(
                    .notDeterministic,
                    [
                        "the document \"\(key)\" of \(P.self) is another one when it was stored and loaded on the "
                            + "way, after \(Self.line(step.event)):"
                    ].joined(DocumentDifference(document, detour).lines("kept", "loaded").map { "  \($0)" }), place)
            }
            let faults = try P.Document.fieldFaults(in: straight.state, encodedAs: encoder.encode(straight.state))
            if let fault = faults.first { throw TestFailure(.wrongField, "\(P.self).Document \(fault).", place) }
        }
        return document
    }

    private static func apply(_ step: Step, to state: inout ProjectionState<P.Document>) throws {
        for change in step.changes {
            try change.apply(&state.state)
            state.events += 1
        }
    }

    // MARK: Text

    static func line(_ event: StoredEvent) -> String {
        let data = event.data == BSONDocument() ? "" : " \(BSONValue.document(event.data).shown())"
        return "\(event.aggregateID) \(event.version) \(event.type)\(data)"
    }

    private static func notHandled(_ event: StoredEvent, _ error: any Error, _ place: SourcePlace) -> TestFailure {
        TestFailure(
            .notHandled,
            "\(P.self) cannot handle \(line(event)): \(describe(error)). A subscription would park the aggregate.",
            place,
            underlying: error)
    }
}
