import Daybook
import DaybookBSON
import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

/// The accounts of a program that knows one more event.
private struct NewerAccount: Aggregate {
    enum Event: Codable, Sendable {
        case deposited(amount: Int)
        case renamed(name: String)
    }

    enum Command: Sendable { case rename(String) }

    static let type = Account.type
    static let lifecycle = Lifecycle.live

    mutating func apply(_ event: Event) {}

    func decide(_ command: Command, at now: Date) throws(Never) -> [Event] {
        switch command {
        case .rename(let name): [.renamed(name: name)]
        }
    }
}

/// ``Arrivals`` in that program: a name counts as nothing that came in.
private enum NewerArrivals: Projection {
    typealias Document = Arrivals.Document

    static let name = Arrivals.name
    static var sources: [EventSource<NewerArrivals>] {
        [
            .events(of: NewerAccount.self, key: { $0.aggregateID.key }) { event, document in
                document.isOrdered = document.isOrdered && event.version == document.last + 1
                document.count += 1
                document.last = event.version
                if case .event(.deposited(let amount)) = event.body { document.sum += amount }
            }
        ]
    }
}

@Suite("An event that a projection cannot handle", .serialized, .timeLimit(.minutes(5)))
struct ParkedAggregateTests {
    private static let reason = SubscriptionAdministration.Reason(by: "anna", why: "the mend is deployed")

    /// An account of `accounts` whose second event of five is poison, and whose first program cannot handle it.
    private func withPoison(
        accounts: Int = 100, _ body: (DaybookStore, AggregateID) async throws -> Void
    ) async throws {
        Arrivals.isPoisoned = true
        defer { Arrivals.isPoisoned = false }
        try await withArrivals { store in
            let repository = store.repository(Account.self)
            try await store.deposit(accounts * 3, on: accounts)
            try await repository.execute(.depositEach([1, Arrivals.poison, 3, 4, 5]), on: "bad")
            try await body(store, try AggregateID(parsing: "account/bad"))
        }
    }

    @Test("parks its aggregate and no other; retried after the mend, it and what waits are handled once and in order")
    func retried() async throws {
        try await withPoison { store, bad in
            try await running(store) { runner in
                #expect(try await store.isPosted(parked: 1))
                let letter = try await store.subscriptions.deadLetter(of: bad, in: Arrivals.name)
                #expect(letter.version == 2 && letter.type == "deposited" && letter.attempts == 4)
                #expect(letter.error.contains("Poisoned"))
                #expect(try await store.arrivals()["bad"]?.count == 1)
                #expect(try await store.arrivals().count { $0.key.hasPrefix("k-") && $0.value.count == 3 } == 100)
                let isReported = await eventually("it is a fault") {
                    await runner.health().faults.contains { $0.subscription == Arrivals.name.rawValue }
                }
                #expect(isReported)

                // What comes later waits, on this aggregate alone.
                let late = try #require(try await store.repository(Account.self).execute(.deposit(6), on: "bad"))
                let view = store.view(Arrivals.self)
                let error = await #expect(throws: DaybookError.self) { try await view.wait(for: late) }
                #expect(error?.code == .viewBehind && error?.aggregateID == bad.rawValue)
                let commit = try #require(try await store.repository(Account.self).execute(.deposit(6), on: "k-1"))
                try await view.wait(for: commit, timeout: .seconds(20))
                #expect(try await store.arrivals()["bad"]?.count == 1)

                // Too early: it is parked again, and once.
                try await store.subscriptions.retry(bad, in: Arrivals.name, Self.reason)
                let isTried = try await eventually("it is tried again") {
                    let letters = try await store.subscriptions.deadLetters(of: Arrivals.name)
                    return letters.count == 1 && letters.allSatisfy { !$0.isRetried && $0.attempts > letter.attempts }
                }
                #expect(isTried)
                Arrivals.isPoisoned = false
                try await store.subscriptions.retry(bad, in: Arrivals.name, Self.reason)
                #expect(try await store.isPosted())
                #expect(try await store.subscriptions.deadLetters().isEmpty)
                let isWell = await eventually("health recovers") { await runner.health().isHealthy }
                #expect(isWell)
            }
            try await store.expectExactArrivals()
            let changes = try await store.subscriptions.show(Arrivals.name).changes
            #expect(changes.map(\.what) == ["retry", "retry"])
            #expect(changes.allSatisfy { $0.by == "anna" && $0.aggregateID == bad.rawValue })
        }
    }

    @Test("is skipped where an operator says so, who and why is noted, and what waits is handled")
    func skipped() async throws {
        try await withPoison(accounts: 3) { store, bad in
            try await running(store) { _ in
                #expect(try await store.isPosted(parked: 1))
                let subscriptions = store.subscriptions
                let letter = try await subscriptions.skip(bad, in: Arrivals.name, Self.reason, isDryRun: true)
                #expect(letter.version == 2)
                #expect(try await subscriptions.show(Arrivals.name).changes.isEmpty)
                #expect(try await subscriptions.show(Arrivals.name).parked == 1)
                let verified = try #require(try await subscriptions.verify().first)
                #expect((verified.total, verified.parked, verified.unrepaired) == (0, 1, 0))
                for isDryRun in [true, false] {
                    let patched = try #require(try await subscriptions.patch(reason: tester, isDryRun: isDryRun).first)
                    #expect((patched.total, patched.parked, patched.unrepaired) == (0, 1, 1))
                }
                try await subscriptions.skip(bad, in: Arrivals.name, Self.reason)
                #expect(try await store.isPosted())
                let change = try #require(try await subscriptions.show(Arrivals.name).changes.last)
                #expect(change.what == "skip event 2" && change.by == "anna" && change.why == Self.reason.why)
                #expect(change.aggregateID == bad.rawValue && change.at != nil)
                // The fourth event does not come right after the second one, which is missing.
                let document = try await store.arrivals()["bad"]
                #expect(document?.count == 4 && document?.sum == 13 && document?.isOrdered == false)
                #expect(try await subscriptions.deadLetters().isEmpty)
                let error = await #expect(throws: DaybookError.self) {
                    try await subscriptions.skip(bad, in: Arrivals.name, Self.reason)
                }
                #expect(error?.code == .invalidArgument)
            }
        }
    }

    @Test("of an unknown type parks at once and is never skipped; a program that knows it drains it at its start")
    func unknown() async throws {
        try await withArrivals { store in
            try await store.deposit(9, on: 3)
            try await store.repository(NewerAccount.self).execute(.rename("new"), on: "k-1")
            try await running(store) { _ in
                #expect(try await store.isPosted(parked: 1))
                let letter = try #require(try await store.subscriptions.deadLetters().first)
                #expect(letter.aggregateID == "account/k-1" && letter.version == 4 && letter.type == "renamed")
                #expect(letter.attempts == 1, "another attempt cannot help")
            }
            let letter = try #require(try await store.subscriptions.deadLetters().first)
            // The same program again: it still does not know it, which is no news.
            let log = LogRecorder()
            try await running(store, configure: { $0.logger = log.logger }) { _ in
                let commit = try #require(try await store.repository(Account.self).execute(.deposit(5), on: "k-2"))
                try await store.view(Arrivals.self).wait(for: commit, timeout: .seconds(30))
                #expect(try await store.isPosted(parked: 1))
                #expect(try await store.arrivals()["k-1"]?.count == 3)
                let isTried = try await eventually("it is tried again") {
                    try await store.subscriptions.deadLetters().first?.attempts == 2
                }
                #expect(isTried)
            }
            let again = try #require(try await store.subscriptions.deadLetters().first)
            #expect(again.since == letter.since && again.version == letter.version)
            #expect(!log.texts.contains { $0.contains("its aggregate is parked") }, "\(log.texts)")
            try await runUntilPosted(store, [.projection(NewerArrivals.self)])
            let document = try await store.arrivals()["k-1"]
            #expect(document?.count == 4 && document?.isOrdered == true)
            #expect(try await store.subscriptions.deadLetters().isEmpty)
        }
    }

    @Test(
        "has its dead letter as long as the view in use has it parked: not of a build beside, and of one after a swap")
    func letters() async throws {
        try await withPoison(accounts: 3) { store, bad in
            try await runUntilPosted(store, parked: 1)
            let collection = "daybook.deadLetters"
            let letters = try await store.raw.documents(in: collection)
            #expect(letters.count == 1)
            try await asOperator(of: store) { admin in
                // The new documents lack what the old ones lack.
                #expect(try await admin.projections.verify().map(\.total) == [0])
                #expect(try await store.raw.documents(in: collection) == letters)
                Arrivals.isPoisoned = false
                let report = try #require(try await admin.projections.verify().first)
                #expect(Set(report.findings.map(\.key)) == ["bad", Arrivals.group(of: "bad")])
                #expect(try await store.raw.documents(in: collection) == letters)
                _ = try await admin.projections.rebuild(swap: true, reason: tester)
                #expect(try await store.subscriptions.deadLetters().isEmpty)
                Arrivals.isPoisoned = true
                _ = try await admin.projections.rebuild(swap: true, reason: tester)
            }
            let letter = try await store.subscriptions.deadLetter(of: bad, in: Arrivals.name)
            #expect(letter.version == 2 && letter.type == "deposited" && letter.error.contains("Poisoned"))
            Arrivals.isPoisoned = false
            try await store.subscriptions.retry(bad, in: Arrivals.name, Self.reason)
            try await runUntilPosted(store)
            try await store.expectExactArrivals()
        }
    }
}
