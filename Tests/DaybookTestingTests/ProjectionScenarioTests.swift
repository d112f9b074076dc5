import Daybook
import DaybookTesting
import Foundation
import SampleAggregates
import Testing

@Suite("ProjectionScenario")
struct ProjectionScenarioTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test("given events of several aggregates, then the documents that they make, and no others")
    func documents() throws {
        try ProjectionScenario(Borrowing.self)
            .given("copy-1", of: Loan.self, .lent(member: "m-1", dueAt: now), .extended(dueAt: now + 1), .returned)
            .given("copy-2", of: Loan.self, .lent(member: "m-2", dueAt: now))
            .given("copy-1", of: Loan.self, .lent(member: "m-1", dueAt: now - 60))
            .then("m-1", .init(loans: 2, lastDueAt: now))
            .thenDocument("m-2") { #expect($0.loans == 1) }
            .thenKeys("m-1", "m-2")
        try ProjectionScenario(Borrowing.self).thenKeys()
    }

    @Test("events of a store in memory are given as its commits made them")
    func batch() async throws {
        let batch = BulkBatch(clock: SimulatedClock().commitClock)
        for copy in ["copy-1", "copy-2"] {
            try await batch.transaction {
                try await $0.execute(
                    .lend(member: "m-1"), on: copy, of: Loan.self, expecting: nil, commandID: nil, at: now)
            }
        }
        try ProjectionScenario(Borrowing.self).given([.all(of: batch)])
            .then("m-1", .init(loans: 2, lastDueAt: now + 28 * 86_400))
    }

    @Test("an event may change several documents, and one document through several sources")
    func severalDocuments() throws {
        try ProjectionScenario(ByLetter.self)
            .given("ab", of: Sum.self, .added(amount: 1), .added(amount: 2))
            .given("bb", of: Sum.self, .added(amount: 4))
            .then("a", .init(total: 3)).then("b", .init(total: 7)).then("all", .init(total: 14))
            .thenKeys("a", "b", "all")
    }

    @Test("a document that is not as expected, is missing or is too much is shown")
    func differences() throws {
        let scenario = try ProjectionScenario(Total.self).given("a-1", of: Sum.self, .added(amount: 3))
        expectFailure(
            .wrongDocument,
            """
            the document "a" of Total is another one than expected:
              state.total: expected 4, got 3
            """
        ) { try scenario.then("a", .init(total: 4)) }
        expectFailure(.wrongDocument, "Total has no document \"b\"; it has \"a\"") {
            try scenario.thenDocument("b") { _ in }
        }
        expectFailure(
            .wrongDocument,
            """
            Total has other documents than expected (- expected, + found):
            - b
            + a
            """
        ) { try scenario.thenKeys("b") }
    }

    @Test("a projection that throws is named with the event that it cannot handle")
    func throwing() throws {
        let scenario = try ProjectionScenario(Demanding.self).given("a-1", of: Sum.self, .reset)
        expectFailure(
            .notHandled,
            "Demanding cannot handle adder/a-1 1 reset: its own code throws NothingThere. A subscription would park the aggregate."
        ) { try scenario.thenDocument("a") { _ in } }
    }

    @Test("a projection whose result depends on chance, or on what is not stored, is found")
    func notDeterministic() throws {
        let events: [GivenEvents] = [.events(of: Sum.self, "a-1", [.added(amount: 1), .added(amount: 2)])]
        let chance = try ProjectionScenario(Guess.self).given(events)
        expectFailure(.notDeterministic) { try chance.thenDocument("a") { _ in } }
        let forgetful = try ProjectionScenario(Absentminded.self).given(events)
        expectFailure(
            .notDeterministic,
            """
            the document "all" of Absentminded is another one when it was stored and loaded on the way, after adder/a-1 2 added { "amount" : 2 }:
              state.total: kept 1, loaded 0
            """
        ) { try forgetful.thenDocument("all") { _ in } }
    }

    @Test("a field under another name than its value is encoded under is found")
    func misnamedField() throws {
        let scenario = try ProjectionScenario(Mislabelled.self).given("a-1", of: Sum.self, .added(amount: 1))
        expectFailure(.wrongField) { try scenario.thenDocument("all") { _ in } }
    }
}
