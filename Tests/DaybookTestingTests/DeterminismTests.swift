import DaybookTesting
import Foundation
import SampleAggregates
import Testing

@Suite("checkDeterminism")
struct DeterminismTests {
    private static let events: [AddEvent] = [.added(amount: 8), .added(amount: 2), .reset, .added(amount: 5)]

    @Test("an aggregate of dictionaries and sets passes, with no event and with many")
    func right() throws {
        try checkDeterminism(of: Sum.self, events: [])
        try checkDeterminism(of: Sum.self, events: Self.events)
        try checkDeterminism(of: Sum.self, events: (0..<30).map { .added(amount: ($0 * 7919) % 101) })
    }

    @Test("the time in apply is found")
    func clock() throws {
        let failure = try #require(throws: TestFailure.self) {
            try checkDeterminism(of: ClockReader.self, events: Self.events)
        }
        #expect(failure.code == .notDeterministic)
        #expect(failure.message.contains("state.changedAt: "))
    }

    @Test("chance in apply is found")
    func chance() throws {
        let failure = try #require(throws: TestFailure.self) {
            try checkDeterminism(of: Gambler.self, events: [.reset])
        }
        #expect(failure.code == .notDeterministic)
        #expect(failure.message.hasPrefix("Gambler after event 1 (reset) is another one when "))
        #expect(failure.message.contains("\n  state.number: "))
    }

    @Test("an array that has the order of a set is found")
    func shuffled() throws {
        let failure = try #require(throws: TestFailure.self) {
            try checkDeterminism(of: Shuffled.self, events: (0..<40).map { .added(amount: $0) })
        }
        #expect(failure.code == .notDeterministic)
        #expect(failure.message.contains("\n  state.list."))
        #expect(!failure.message.contains("state.amounts"))
    }

    @Test("a state that needs what it does not encode is found, at the event that needs it")
    func hiddenState() {
        expectFailure(
            .notDeterministic,
            """
            Forgetful after event 3 (reset) is another one when it is folded on from the state that was stored after event 2:
              state.total: folded from the first event 2, folded on 0
            """
        ) { try checkDeterminism(of: Forgetful.self, events: Self.events) }
    }

    @Test("a state that is another one when it is decoded is found")
    func lossyState() {
        expectFailure(
            .notDeterministic,
            """
            Leaky after event 1 (added) is another one when it is decoded and encoded again:
              state.total: before 8, after 4
            """
        ) { try checkDeterminism(of: Leaky.self, events: Self.events) }
        expectFailure(
            .notStorable,
            "OneWay: the state after event 1 cannot be decoded from what it encoded as: its value is not one that the type takes"
        ) { try checkDeterminism(of: OneWay.self, events: Self.events) }
    }

    @Test("an event that does not survive being stored is found by its number")
    func lossyEvent() {
        expectFailure(
            .notDeterministic,
            """
            event 2 of Trimmer is another one when it is decoded and encoded again (- before, + after):
            - 1 named { "name" : " Ada " }
            + 1 named { "name" : "Ada" }
                name: expected " Ada ", got "Ada"
            """
        ) {
            try checkDeterminism(of: Trimmer.self, events: [.numbered(number: 1), .named(name: .init(" Ada "))])
        }
    }

    @Test("dates between milliseconds that apply computes are no difference: every store folds them as whole ones")
    func computedDates() throws {
        let start = Date(timeIntervalSince1970: 1_750_000_000)
        let events: [Pulse<KeptInline>.Event] = [
            .started(at: start), .beaten(wasWhole: true), .beaten(wasWhole: true), .peaked, .settled,
        ]
        try checkDeterminism(of: Pulse<KeptInline>.self, events: events)
        try Scenario(Pulse<KeptInline>.self).given(Array(events.prefix(2))).thenState { state in
            #expect(state.next == Date(timeIntervalSince1970: 1_750_000_000.143))
            #expect(state.seen == [start])
        }
    }

    @Test("a field under another name than its value is encoded under is found, by the scenario too")
    func misnamedField() throws {
        let failure = try #require(throws: TestFailure.self) {
            try checkDeterminism(of: Misnamed.self, events: Self.events)
        }
        #expect(failure.code == .wrongField)
        #expect(
            failure.message.hasPrefix(
                "Misnamed declares the field \"total\", and the encoded state has no such field; its value is that of \"sum\""
            ),
            "\(failure.message)")
        let other = try #require(throws: TestFailure.self) { try Scenario(Misnamed.self).given(.added(amount: 1)) }
        #expect(other.code == .wrongField)
    }
}
