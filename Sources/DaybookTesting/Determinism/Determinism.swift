public import Daybook
internal import DaybookBSON

/// Checks that an aggregate makes the same state from the same events, in every run and every process.
///
/// A snapshot is only worth something if a replay years later makes the same bytes. So, for these events:
/// - each event, decoded and encoded again, is stored in the same bytes;
/// - each state after an event, decoded and encoded again, is stored in the same bytes;
/// - continuing from the stored state after any of the events makes, after each later one, the same state as folding
///   them all: the encoded state lacks nothing that `apply` needs;
/// - each field that the aggregate declares has the name that its value is encoded under;
/// - folding again makes the same bytes, however often: at least three times, and until two milliseconds have passed,
///   so that a `Date()`, a random number or the order of a `Set` in `apply` shows.
///
/// No check in one process can find a value that is constant only within a process, such as a `hashValue`;
/// ``checkGolden(_:events:file:record:filePath:fileID:line:)`` does.
///
/// ```swift
/// try checkDeterminism(of: License.self, events: [.created(member: "m-1", expiresAt: d), .downloaded, .released])
/// ```
///
/// The work grows with the square of the number of events; a few of each type are enough.
///
/// Dates that `apply` computes become whole milliseconds after each event, as in every store, so their fractions are no
/// difference.
///
/// - Throws: ``TestFailure/Code/notDeterministic`` with the first difference and its paths;
///   ``TestFailure/Code/notStorable``, ``TestFailure/Code/wrongField``.
public func checkDeterminism<A: Aggregate>(
    of aggregate: A.Type, events: [A.Event], fileID: String = #fileID, line: Int = #line
) throws {
    let check = DeterminismCheck<A>(place: SourcePlace(fileID: fileID, line: line))
    let stored = try check.storedEvents(events)
    let states = try check.states(of: stored, in: Replay())
    try check.checkSnapshots(states, stored)
    try check.checkRepetition(states, stored)
}

private struct DeterminismCheck<A: Aggregate> {
    let place: SourcePlace

    func storedEvents(_ events: [A.Event]) throws -> [EventContent] {
        try events.enumerated().map { index, event in
            try place.storing("event \(index + 1)") {
                let first = try Replay<A>.stored(event)
                try compare(first, try Replay<A>.stored(event), index, "when it is encoded again")
                try compare(
                    first, try Replay<A>.stored(again: first, version: Int64(index + 1)), index,
                    "when it is decoded and encoded again")
                return first
            }
        }
    }

    /// The encoded state after each event.
    func states(of events: some Sequence<EventContent>, in start: Replay<A>) throws -> [BSONDocument] {
        var replay = start
        return try events.map { event in
            try place.storing("\(A.self)") {
                try replay.apply(event)
                if A.lifecycle != .live { try place.checkFields(of: replay) }
                return try replay.encodedState()
            }
        }
    }

    func checkSnapshots(_ states: [BSONDocument], _ events: [EventContent]) throws {
        var replay = Replay<A>()
        for (index, event) in events.enumerated() {
            var loaded = replay
            let again = try place.storing("\(A.self)") {
                try replay.apply(event)
                loaded = replay
                try loaded.reload()
                return try loaded.encodedState()
            }
            try compare(
                states[index], again, after: index, events, "when it is decoded and encoded again", ("before", "after"))
            let tail = try self.states(of: events[(index + 1)...], in: loaded)
            for (offset, state) in tail.enumerated() {
                try compare(
                    states[index + 1 + offset], state, after: index + 1 + offset, events,
                    "when it is folded on from the state that was stored after event \(index + 1)",
                    ("folded from the first event", "folded on"))
            }
        }
    }

    func checkRepetition(_ states: [BSONDocument], _ events: [EventContent]) throws {
        let start = ContinuousClock.now
        var repetitions = 0
        repeat {
            let again = try self.states(of: events, in: Replay())
            for (index, state) in again.enumerated() {
                try compare(
                    states[index], state, after: index, events,
                    "when the events are folded again: apply depends on time, on chance, or on an order that is none",
                    ("at first", "then"))
            }
            repetitions += 1
        } while repetitions < 3 || start.duration(to: .now) < .milliseconds(2)
    }

    private func compare(_ expected: EventContent, _ actual: EventContent?, _ index: Int, _ what: String) throws {
        guard expected != actual else { return }
        throw TestFailure(
            .notDeterministic,
            ["event \(index + 1) of \(A.self) is another one \(what) (- before, + after):"].joined(
                EventDifference([expected], actual.map { [$0] } ?? []).lines), place)
    }

    private func compare(
        _ expected: BSONDocument, _ actual: BSONDocument, after index: Int, _ events: [EventContent], _ what: String,
        _ words: (String, String)
    ) throws {
        guard expected != actual else { return }
        throw TestFailure(
            .notDeterministic,
            ["\(A.self) after event \(index + 1) (\(events[index].type)) is another one \(what):"].joined(
                DocumentDifference(expected, actual, root: "state").lines(words.0, words.1).map { "  \($0)" }), place)
    }
}
