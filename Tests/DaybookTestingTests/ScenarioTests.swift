import DaybookTesting
import Foundation
import SampleAggregates
import Testing

@Suite("Scenario")
struct ScenarioTests {
    private static let due = Date(timeIntervalSince1970: 1_767_225_600 + 28 * 86_400)

    // MARK: Right ones

    @Test("then compares the events of the last command, and of no other")
    func lastCommand() throws {
        try Scenario(Sum.self).given(.added(amount: 1))
            .when(.add(2)).then(.added(amount: 2))
            .when(.addTwice(3)).then(.added(amount: 3), .added(amount: 3))
            .thenState { #expect($0.total == 9) }
        try Scenario(Sum.self).when(.add(2)).when(.add(3)).then(.added(amount: 3))
    }

    @Test("a command is decided at 2026-01-01T00:00:00Z unless a time is given, and then at that of the command before")
    func time() throws {
        let later = SimulatedClock.start.addingTimeInterval(86_400)
        try Scenario(Loan.self).when(.lend(member: "m-1")).then(.lent(member: "m-1", dueAt: Self.due))
            .when(.giveBack, at: later)
            .when(.lend(member: "m-2")).then(.lent(member: "m-2", dueAt: Self.due.addingTimeInterval(86_400)))
    }

    @Test("given events add up, and their state can be checked without a command")
    func given() throws {
        var expected = Loan()
        try Scenario(Loan.self).then(state: expected)
        (expected.member, expected.dueAt, expected.extensions) = ("m-1", Self.due, 1)
        try Scenario(Loan.self).given(.lent(member: "m-1", dueAt: .distantPast)).given([.extended(dueAt: Self.due)])
            .then(state: expected)
            .thenState { #expect($0 == expected) }
            .when(.giveBack)
            .then(
                state: {
                    var returned = Loan(); returned.extensions = 1; return returned
                }())
    }

    @Test("a refused command changes nothing, and the scenario continues after it")
    func rejection() throws {
        try Scenario(Loan.self).when(.extend).thenRejected(.notLent)
            .then(state: Loan())
            .when(.lend(member: "m-1")).then(.lent(member: "m-1", dueAt: Self.due))
    }

    @Test("a rejection that is not Equatable is checked by a closure")
    func rejectionClosure() throws {
        try Scenario(Sum.self).when(.add(100)).thenRejected { #expect($0.limit == 100) }
        try Scenario(Sum.self).when(.add(100)).thenRejected()
        struct Own: Error {}
        #expect(throws: Own.self) { try Scenario(Sum.self).when(.add(100)).thenRejected { _ in throw Own() } }
    }

    @Test("the state of a live aggregate is kept nowhere, and need not survive it")
    func live() throws {
        try Scenario(Odometer.self).given(.driven).when(.drive).then(.driven).thenState { #expect($0.distance == 2) }
    }

    // MARK: Wrong expectations

    @Test("other events are shown as a diff, with the paths that differ")
    func wrongEvents() {
        let other = Self.due.addingTimeInterval(1)
        expectFailure(
            .wrongEvents,
            """
            Loan decided lend(member: "m-1") with other events than expected (- expected, + decided):
            - 1 lent { "member" : "m-1", "dueAt" : { "$date" : "2026-01-29T00:00:01Z" } }
            + 1 lent { "member" : "m-1", "dueAt" : { "$date" : "2026-01-29T00:00:00Z" } }
                dueAt: expected { "$date" : "2026-01-29T00:00:01Z" }, got { "$date" : "2026-01-29T00:00:00Z" }
            """
        ) {
            try Scenario(Loan.self).when(.lend(member: "m-1")).then(.lent(member: "m-1", dueAt: other))
        }
    }

    @Test("an event too few, too many, or of another type is shown where it is")
    func wrongCount() {
        expectFailure(
            .wrongEvents,
            """
            Sum decided addTwice(1) with other events than expected (- expected, + decided):
            - 1 reset
              1 added { "amount" : 1 }
              2 added { "amount" : 1 }
            """
        ) { try Scenario(Sum.self).when(.addTwice(1)).then(.reset, .added(amount: 1), .added(amount: 1)) }
        expectFailure(
            .wrongEvents,
            """
            Sum decided addTwice(1) with other events than expected (- expected, + decided):
              1 added { "amount" : 1 }
            + 2 added { "amount" : 1 }
            """
        ) { try Scenario(Sum.self).when(.addTwice(1)).then(.added(amount: 1)) }
        expectFailure(
            .wrongEvents,
            """
            Sum decided reset with other events than expected (- expected, + decided):
            - 1 added { "amount" : 1 }
            + 1 reset
            """
        ) { try Scenario(Sum.self).when(.reset).then(.added(amount: 1)) }
        expectFailure(
            .wrongEvents,
            """
            Sum decided reset with other events than expected (- expected, + decided):
            + 1 reset
            """
        ) { try Scenario(Sum.self).when(.reset).thenNothing() }
    }

    @Test("an unexpected refusal says what was refused, why, and what was expected instead")
    func unexpectedRejection() {
        let message = """
            Loan refused extend: notLent
            expected were:
              1 returned
            """
        expectFailure(.unexpectedRejection, message) { try Scenario(Loan.self).when(.extend).then(.returned) }
        expectFailure(.unexpectedRejection, "Loan refused extend: notLent\nexpected were:\n  no events") {
            try Scenario(Loan.self).when(.extend).thenNothing()
        }
    }

    @Test("nothing but thenRejected accepts a refusal")
    func silentRejection() throws {
        let refused = try Scenario(Loan.self).when(.extend)
        let message = "Loan refused extend: notLent"
        expectFailure(.unexpectedRejection, message) { try refused.then(state: Loan()) }
        expectFailure(.unexpectedRejection, message) { try refused.thenState { _ in Issue.record("it was called") } }
        expectFailure(.unexpectedRejection, message) { _ = try refused.when(.lend(member: "m-1")) }
        let expected = try refused.thenRejected()
        expectFailure(.unexpectedRejection) { try expected.thenNothing() }
    }

    @Test("a refusal for another reason shows both")
    func wrongRejection() {
        expectFailure(
            .wrongRejection,
            """
            Loan refused extend for another reason than expected:
            - tooManyExtensions(2)
            + notLent
            """
        ) { try Scenario(Loan.self).when(.extend).thenRejected(.tooManyExtensions(2)) }
    }

    @Test("a command that was to be refused shows what it led to")
    func notRejected() {
        expectFailure(
            .notRejected, "Loan accepted giveBack, which was to be refused: notLent. It led to:\n  no events"
        ) { try Scenario(Loan.self).when(.giveBack).thenRejected(.notLent) }
        expectFailure(
            .notRejected,
            """
            Sum accepted add(1), which was to be refused. It led to:
              1 added { "amount" : 1 }
            """
        ) { try Scenario(Sum.self).when(.add(1)).thenRejected { _ in Issue.record("it was called") } }
    }

    @Test("another state is shown by the paths that differ")
    func wrongState() {
        var expected = Sum()
        expected.total = 3
        expected.amounts = [1, 2]
        expected.counts = ["1": 1, "3": 1]
        let message = """
            Sum is in another state than expected:
              state.total: expected 3, got 1
              state.amounts.1: expected 2, got nothing
              state.counts.3: expected 1, got nothing
            """
        expectFailure(.wrongState, message) { try Scenario(Sum.self).given(.added(amount: 1)).then(state: expected) }
        expectFailure(.wrongState, message) { try Scenario(Sum.self).when(.add(1)).then(state: expected) }
    }

    @Test("a failure says where its check is")
    func place() throws {
        let line = #line + 1
        let failure = try #require(throws: TestFailure.self) { try Scenario(Sum.self).when(.reset).thenNothing() }
        #expect(failure.line == line)
        #expect(failure.fileID == "DaybookTestingTests/ScenarioTests.swift")
        #expect("\(failure)".hasPrefix("DaybookTestingTests/ScenarioTests.swift:\(line): Sum decided reset"))
    }

    // MARK: Faulty aggregates

    @Test("an event that does not come back from the journal as it was is no given event")
    func lossyEvent() {
        let message = """
            event 1 is another one when it is decoded and encoded again (- before, + after):
            - 1 named { "name" : " Ada " }
            + 1 named { "name" : "Ada" }
                name: expected " Ada ", got "Ada"
            """
        expectFailure(.notDeterministic, message) { _ = try Scenario(Trimmer.self).given(.named(name: .init(" Ada "))) }
        expectFailure(.notDeterministic, message) { _ = try Scenario(Trimmer.self).when(.init(" Ada ")) }
    }

    @Test("a state that is another one after it was stored is found on the way")
    func lossyState() {
        expectFailure(
            .notDeterministic,
            """
            Leaky after event 1 (added) is another one when it was stored and loaded on the way:
              state.total: folded 3, loaded 1
            """
        ) { _ = try Scenario(Leaky.self).given(.added(amount: 3)) }
        expectFailure(
            .notStorable,
            "OneWay: the state after event 1 cannot be decoded from what it encoded as: its value is not one that the type takes"
        ) { _ = try Scenario(OneWay.self).given(.added(amount: 3)) }
    }

    @Test("a decision that is left to chance, or to what is not stored, is found")
    func impureDecision() {
        expectFailure(.notDeterministic) { _ = try Scenario(Moody.self).when(.add(1)) }
        expectFailure(
            .notDeterministic,
            """
            Absent decides add(1) in another way when it is loaded from its snapshot (- at first, + then):
            - 1 added { "amount" : 1 }
            + refused: AddRejection(limit: 0)
            """
        ) { _ = try Scenario(Absent.self).given(.added(amount: 3)).when(.add(1)) }
    }
}
