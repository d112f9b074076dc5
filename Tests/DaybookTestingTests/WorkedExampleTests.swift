import DaybookTesting
import Foundation
import SampleAggregates
import Testing

/// What the article of this module shows; change both.
@Suite struct LoanTests {
    let now = Date(timeIntervalSince1970: 1_800_000_000)
    var due: Date { now.addingTimeInterval(28 * 86_400) }

    @Test("a copy is lent for four weeks") func lending() throws {
        try Scenario(Loan.self)
            .when(.lend(member: "m-1"), at: now)
            .then(.lent(member: "m-1", dueAt: due))
    }

    @Test("it is lent to one member at a time") func oneMember() throws {
        try Scenario(Loan.self)
            .given(.lent(member: "m-1", dueAt: due))
            .when(.lend(member: "m-2")).thenRejected(.lentAlready)
            .when(.lend(member: "m-1")).thenNothing()
    }

    @Test("a loan is extended twice at most") func extensions() throws {
        try Scenario(Loan.self)
            .given(.lent(member: "m-1", dueAt: due), .extended(dueAt: due))
            .when(.extend, at: due).then(.extended(dueAt: due.addingTimeInterval(14 * 86_400)))
            .thenState { #expect($0.extensions == 2) }
            .when(.extend).thenRejected(.tooManyExtensions(2))
    }

    static let history: [Loan.Event] = [
        .lent(member: "m-1", dueAt: Date(timeIntervalSince1970: 1_800_000_000)),
        .extended(dueAt: Date(timeIntervalSince1970: 1_801_000_000)),
        .returned,
        .lent(member: "m-2", dueAt: Date(timeIntervalSince1970: 1_802_000_000)),
    ]

    @Test("the same events give the same state") func determinism() throws {
        try checkDeterminism(of: Loan.self, events: Self.history)
    }

    @Test("the state is what it was") func golden() throws {
        try checkGolden(Loan.self, events: Self.history, file: "Golden/loan.json")
    }
}

/// The article's projection.
@Suite struct BorrowingTests {
    let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test("loans are counted over the copies") func borrowing() throws {
        try ProjectionScenario(Borrowing.self)
            .given("copy-1", of: Loan.self, .lent(member: "m-1", dueAt: now), .returned)
            .given("copy-2", of: Loan.self, .lent(member: "m-1", dueAt: now - 60))
            .then("m-1", .init(loans: 2, lastDueAt: now))
    }

    @Test("the order of unrelated events does not matter") func interleavings() throws {
        try checkInterleavings(
            of: Borrowing.self,
            events: [
                .events(of: Loan.self, "copy-1", [.lent(member: "m-1", dueAt: now), .returned]),
                .events(of: Loan.self, "copy-2", [.lent(member: "m-1", dueAt: now - 60)]),
            ])
    }
}
