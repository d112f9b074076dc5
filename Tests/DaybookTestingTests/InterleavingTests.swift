import Daybook
import DaybookTesting
import Foundation
import SampleAggregates
import Testing

@Suite("checkInterleavings")
struct InterleavingTests {
    private static func adder(_ key: String, _ events: AddEvent...) -> GivenEvents {
        .events(of: Sum.self, key, events)
    }

    @Test("a projection that adds passes, and so does one that changes nothing; with no events and with many")
    func right() throws {
        let many = (0..<40).map { number in
            GivenEvents.events(
                of: Sum.self, "\(number % 2 == 0 ? "a" : "b")-\(number)", (0..<10).map { .added(amount: number * $0) })
        }
        try checkInterleavings(of: Total.self, events: [])
        try checkInterleavings(of: Total.self, events: [Self.adder("a-1", .added(amount: 1), .reset)])
        try checkInterleavings(of: Total.self, events: many, rounds: 20)
        try checkInterleavings(of: Idle.self, events: many, rounds: 20)
        try checkInterleavings(of: ByLetter.self, events: many, rounds: 5)
        let due = Date(timeIntervalSince1970: 1_800_000_000)
        try checkInterleavings(
            of: Borrowing.self,
            events: (0..<5).map { copy in
                .events(
                    of: Loan.self, "copy-\(copy)",
                    [.lent(member: "m-1", dueAt: due + Double(copy)), .returned, .lent(member: "m-2", dueAt: due)])
            })
    }

    @Test("a projection in which the last event decides is found, with both documents and the two orders")
    func lastEvent() {
        expectFailure(
            .dependsOnInterleaving,
            """
            the document "a" of LastAmount depends on how events of different aggregates interleave. Both orders keep the order along each aggregate:
            one order:
              adder/a-1 1 added { "amount" : 1 }
              adder/a-2 1 added { "amount" : 2 }
            gives { "_id" : "a", "state" : { "total" : 0, "last" : 2 }, "events" : 2 }
            another:
              adder/a-2 1 added { "amount" : 2 }
              adder/a-1 1 added { "amount" : 1 }
            gives { "_id" : "a", "state" : { "total" : 0, "last" : 1 }, "events" : 2 }
              state.last: first 2, then 1
            """
        ) {
            try checkInterleavings(
                of: LastAmount.self,
                events: [Self.adder("a-1", .added(amount: 1)), Self.adder("a-2", .added(amount: 2))])
        }
    }

    @Test("of a long history, only what the difference needs is shown: of the first document that differs")
    func shortest() throws {
        let harmless = (10..<30).map { Self.adder("b-\($0)", .added(amount: 0), .added(amount: 0)) }
        let events =
            harmless.prefix(10) + [
                Self.adder("a-1", .added(amount: 3)), Self.adder("b-1", .added(amount: 5), .added(amount: 6)),
            ] + harmless.suffix(10)
            + [Self.adder("b-2", .reset, .added(amount: 7)), Self.adder("c-1", .added(amount: 1))]
            + [Self.adder("c-2", .reset)]
        let failure = try #require(throws: TestFailure.self) {
            try checkInterleavings(of: SharedReset.self, events: events)
        }
        #expect(failure.code == .dependsOnInterleaving)
        let lines = failure.message.split(separator: "\n").map(String.init)
        #expect(lines.first?.hasPrefix("the document \"b\" of SharedReset ") == true)
        let orders = lines.filter { $0.hasPrefix("  adder/") }
        #expect(orders.allSatisfy { $0.contains("/b-1 ") || $0.contains("/b-2 ") }, "\(failure)")
        #expect(orders.count <= 6, "\(failure)")
        let half = orders.count / 2
        #expect(orders[..<(half - 2)] == orders[half..<(orders.count - 2)])
        #expect(Array(orders[..<half].suffix(2)) == Array(orders.suffix(2).reversed()), "\(failure)")
    }

    @Test("a difference that only an order between the extremes shows is found, the same in every run")
    func inBetween() throws {
        // Whichever adder is first, and whichever is last: only when the second one is last, the document differs.
        let events = [
            Self.adder("a-1", .added(amount: 5)), Self.adder("a-2", .added(amount: 6)),
            Self.adder("a-3", .added(amount: 5)),
        ]
        let failures = try (0..<2).map { _ in
            try #require(throws: TestFailure.self) { try checkInterleavings(of: LastAmount.self, events: events) }
        }
        #expect(failures[0].message == failures[1].message)
        #expect(throws: Never.self) { try checkInterleavings(of: LastAmount.self, events: events, rounds: 2) }
    }

    @Test("a projection that fails in some orders only is found")
    func failing() throws {
        let failure = try #require(throws: TestFailure.self) {
            try checkInterleavings(
                of: Demanding.self,
                events: [Self.adder("a-1", .added(amount: 1)), Self.adder("a-2", .reset)])
        }
        #expect(failure.code == .dependsOnInterleaving)
        #expect(
            failure.message.hasSuffix(
                """
                another:
                  adder/a-2 1 reset
                  adder/a-1 1 added { "amount" : 1 }
                gives no document: the projection fails at adder/a-2 1 reset: its own code throws NothingThere
                """), "\(failure)")
    }

    @Test("what is wrong in every order is found as what it is")
    func wrongAnyway() {
        expectFailure(.notDeterministic) {
            try checkInterleavings(of: Guess.self, events: [Self.adder("a-1", .added(amount: 1))])
        }
        expectFailure(.notHandled) {
            try checkInterleavings(of: Demanding.self, events: [Self.adder("a-1", .reset)])
        }
    }
}
