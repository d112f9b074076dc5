package import DaybookBSON
package import Foundation

/// The state of an aggregate while its events are folded into it.
///
/// Events are folded from their stored bytes, also those that were just decided, so a writer folds exactly what every
/// later replay folds. Each event is applied to the state that a load of its stored form would have; see
/// ``normalize()``.
package struct Fold<A: Aggregate>: Sendable {
    package let id: AggregateID
    let coding: EventCoding<A>
    /// The type of the event that a reconciliation read last; see ``BorrowedEvent``.
    package var typeBefore = ""
    var state = A()
    /// The version of the last event that was folded in; 0 before the first.
    package internal(set) var version: Int64 = 0
    package internal(set) var headID: UUID?
    var createdAt: BSONDate?
    package internal(set) var updatedAt: BSONDate?
    /// The last version at which the state is known to equal a load of its stored form.
    private var normalVersion: Int64 = 0
    /// Whether an event was folded into a state that may differ from a load of its stored form.
    private var hasFoldedIntoAnother = false
    package private(set) var hasSkippedStates = false

    /// Whether the events must be folded again: they were folded before it was known that the states compute dates.
    package var isUncertain: Bool {
        hasFoldedIntoAnother || (normalVersion < version - 1 && coding.computedDates.areKnown)
    }

    /// - Parameter coding: A coding to share between many folds.
    package init(_ id: AggregateID, _ coding: EventCoding<A> = EventCoding(looksAtEveryState: true)) {
        self.id = id
        self.coding = coding
    }

    /// - Throws: ``DaybookError/Code/damagedJournal`` when the event is not the next one; any error of decoding it.
    package mutating func apply(_ event: BorrowedEvent) throws {
        let next = try nextVersion
        guard event.version == next else {
            throw DaybookError(
                .damagedJournal,
                "event \(event.version) follows event \(version): the journal has a gap or a duplicate. Run verify.",
                aggregateID: id.rawValue, version: next)
        }
        try apply(type: event.type, schema: event.schema, data: event.data)
        headID = event.id
        updatedAt = event.recordedAt
        if createdAt == nil { createdAt = event.recordedAt }
        // A state that cannot be encoded has no stored form to differ from.
        if coding.computedDates.isDue(event.id.uuid.15) { _ = try? normalize() } else { hasSkippedStates = true }
    }

    /// Begins with a state that was loaded from its stored form.
    mutating func begin(with state: A, at version: Int64) {
        self.state = state
        self.version = version
        normalVersion = version
    }

    /// Makes the state what a load of its stored form would be: a program can compute dates to fractions of a
    /// nanosecond, and the stored form has whole milliseconds.
    ///
    /// - Returns: The stored form.
    /// - Throws: ``DaybookError/Code/notEncodable``
    @discardableResult
    mutating func normalize() throws -> BSONDocument {
        let (document, hasExactDates) = try encode(state)
        if normalVersion < version - 1, !hasExactDates || coding.computedDates.areKnown { hasFoldedIntoAnother = true }
        normalVersion = version
        return hasExactDates ? document : try loadAgain(document)
    }

    /// Replaces the state, which computes dates, by what a load of its stored form would be.
    private mutating func loadAgain(_ document: BSONDocument) throws -> BSONDocument {
        coding.computedDates.note()
        // A state that cannot be decoded is never loaded, so there is nothing to be equal to.
        guard let loaded = try? document.withBorrowed({ try coding.decoder.decode(A.self, from: $0) }) else {
            return document
        }
        state = loaded
        return try encode(state).document
    }

    /// Folds the next event, of which only type and payload are known yet.
    mutating func apply(type: String, schema: Int32, data: BorrowedDocument) throws {
        let next = try nextVersion
        if coding.isPlain(type) {
            state.apply(
                try coding.decodeEvent(type: type, schema: schema, data: data, aggregateID: id.rawValue, version: next))
        } else {
            try apply(
                coding.decode(type: type, schema: schema, data: data, aggregateID: id.rawValue, version: next), type)
        }
        version = next
    }

    private var nextVersion: Int64 {
        get throws {
            let (next, overflow) = version.addingReportingOverflow(1)
            guard !overflow else {
                throw DaybookError(
                    .damagedJournal, "no event can follow event \(version). Run verify.", aggregateID: id.rawValue,
                    version: version)
            }
            return next
        }
    }

    private mutating func apply(_ body: RecordedEvent<A>.Body, _ type: String) throws {
        switch body {
        case .event(let event): state.apply(event)
        case .retired: break
        case .correction(let correction):
            do {
                state = try correction.applied(to: state)
            } catch let error as DaybookError {
                throw DaybookError(
                    error.code, "event \(version + 1) of type \"\(type)\": \(error.message)", aggregateID: id.rawValue,
                    version: version + 1, underlying: error.underlying)
            }
        }
    }

    /// Completes the events that were just folded in with their commit's data, as a load would find it.
    mutating func commit(headID: UUID, at recordedAt: BSONDate) {
        self.headID = headID
        updatedAt = recordedAt
        createdAt = createdAt ?? recordedAt
    }

    /// - Throws: ``DaybookError/Code/conflict`` when the aggregate is not at `expected`.
    func require(_ expected: Int64?) throws {
        guard let expected, version != expected else { return }
        throw DaybookError(
            .conflict, "it is at version \(version), not at the expected version \(expected)", aggregateID: id.rawValue,
            version: version)
    }

    /// Whether a snapshot of the state is kept.
    package var keepsSnapshot: Bool { A.keepsSnapshot?(state) ?? true }

    /// The stored form of the state.
    ///
    /// - Throws: ``DaybookError/Code/notEncodable``
    package func encodedState() throws -> BSONDocument {
        var fold = self
        return try fold.normalize()
    }

    /// The snapshot of the state; nil before the first event.
    package func stored() throws -> StoredSnapshot? {
        guard let headID, let createdAt, let updatedAt else { return nil }
        return StoredSnapshot(
            aggregateID: id, version: version, state: try encodedState(), stateSchema: A.stateSchema, headID: headID,
            createdAt: createdAt, updatedAt: updatedAt)
    }

    private func encode(_ state: A) throws -> (document: BSONDocument, hasExactDates: Bool) {
        do {
            return try coding.encoder.encodeNotingDates(state)
        } catch {
            throw DaybookError(
                .notEncodable, "the state after event \(version) cannot be encoded: \(describe(error))",
                aggregateID: id.rawValue,
                version: version, underlying: error)
        }
    }

    var snapshot: Snapshot<A> {
        Snapshot(id: id, version: version, state: state, createdAt: createdAt?.date, updatedAt: updatedAt?.date)
    }
}
