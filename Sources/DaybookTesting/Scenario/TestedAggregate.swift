internal import Daybook
internal import Foundation

/// An aggregate under test, kept twice: folded from its first event on, and loaded from a snapshot before each event,
/// as different processes will have it.
struct TestedAggregate<A: Aggregate>: Sendable {
    private var folded = Replay<A>()
    private var loaded = Replay<A>()

    /// Whether the state is stored, so that it can be loaded.
    private var isStored: Bool { A.lifecycle != .live }

    var state: A { isStored ? loaded.state : folded.state }

    var version: Int64 { folded.version }

    mutating func fold(_ events: [A.Event], _ place: SourcePlace) throws {
        for event in events {
            try fold(try place.storing("event \(version + 1)") { try Replay<A>.stored(event) }, place)
        }
    }

    mutating func fold(_ event: EventContent, _ place: SourcePlace) throws {
        let number = version + 1
        let again = try place.storing("event \(number)") { try Replay<A>.stored(again: event, version: number) }
        guard again == event else {
            throw TestFailure(
                .notDeterministic,
                ["event \(number) is another one when it is decoded and encoded again (- before, + after):"]
                    .joined(EventDifference([event], again.map { [$0] } ?? []).lines), place)
        }
        try place.storing("\(A.self)") { try folded.apply(event) }
        guard isStored else { return }
        let (straight, detour) = try place.storing("\(A.self)") {
            try loaded.apply(event)
            try loaded.reload()
            return (try folded.encodedState(), try loaded.encodedState())
        }
        try place.checkFields(of: loaded)
        guard straight == detour else {
            throw TestFailure(
                .notDeterministic,
                [
                    "\(A.self) after event \(number) (\(event.type)) is another one when it was stored and loaded on "
                        + "the way:"
                ]
                .joined(
                    DocumentDifference(straight, detour, root: "state").lines("folded", "loaded").map { "  \($0)" }),
                place)
        }
    }

    /// The result of `command`.
    func decide(_ command: A.Command, at now: Date, _ place: SourcePlace) throws -> Decision<A> {
        let first = try decision(command, at: now, on: folded.state, place)
        try compare(first, try decision(command, at: now, on: folded.state, place), command, "asked again", place)
        guard isStored else { return first }
        let other = try decision(command, at: now, on: loaded.state, place)
        try compare(first, other, command, "loaded from its snapshot", place)
        return other
    }

    private func decision(_ command: A.Command, at now: Date, on state: A, _ place: SourcePlace) throws -> Decision<A> {
        let events: [A.Event]
        do {
            events = try state.decide(command, at: now)
        } catch {
            return .rejected(error)
        }
        return .accepted(
            try place.storing("\(A.self), deciding \(shown(command))") { try events.map { try Replay<A>.stored($0) } })
    }

    private func compare(
        _ first: Decision<A>, _ second: Decision<A>, _ command: A.Command, _ when: String, _ place: SourcePlace
    ) throws {
        let difference: [String]
        switch (first, second) {
        case (.accepted(let first), .accepted(let second)):
            if first == second { return }
            difference = EventDifference(first, second).lines
        case (.rejected, .rejected): return
        case (.accepted(let first), .rejected(let rejection)):
            difference = EventDifference(first, []).lines + ["+ refused: \(rejection)"]
        case (.rejected(let rejection), .accepted(let second)):
            difference = ["- refused: \(rejection)"] + EventDifference([], second).lines
        }
        throw TestFailure(
            .notDeterministic,
            ["\(A.self) decides \(shown(command)) in another way when it is \(when) (- at first, + then):"].joined(
                difference),
            place)
    }

    func compare(with expected: A, _ place: SourcePlace) throws {
        let (expected, actual) = try place.storing("\(A.self)") {
            (try Replay(state: expected).encodedState(), try Replay(state: state).encodedState())
        }
        guard expected != actual else { return }
        throw TestFailure(
            .wrongState,
            ["\(A.self) is in another state than expected:"].joined(
                DocumentDifference(expected, actual, root: "state").lines().map { "  \($0)" }), place)
    }
}

extension [String] {
    /// These lines and `lines`, joined to one text.
    func joined(_ lines: [String]) -> String {
        (self + lines).joined(separator: "\n")
    }
}
