@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite("A command id used for another command", .timeLimit(.minutes(2)))
struct CommandReuseTests {
    static let lifecycles: [any Ledger.Type] = [Account.self, Tally.self, Meter.self]

    private func withLedgers<L: Ledger>(_ ledger: L.Type, _ body: (DaybookStore, Repository<L>) async throws -> Void)
        async throws
    {
        try await withTestStore { store in
            try await store.initialize(L.self)
            try await body(store, store.repository(L.self))
        }
    }

    private func expectReused(_ what: String, _ body: () async throws -> Void) async {
        let error = await #expect(throws: DaybookError.self) { try await body() }
        #expect(error?.code == .commandIDReused, "\(what): \(error?.message ?? "")")
        #expect(error?.aggregateID?.hasSuffix("/a") == true, "\(what)")
        #expect(error?.version == 2, "\(what)")
    }

    @Test(
        "G3: a command id of another command is refused, wherever that came from, and nothing is written",
        arguments: lifecycles.indices)
    func refused(index: Int) async throws { try await refuse(Self.lifecycles[index]) }

    private func refuse<L: Ledger>(_ ledger: L.Type) async throws {
        try await withLedgers(ledger) { store, ledgers in
            try await ledgers.execute(.deposit(5), on: "a")
            let original = try #require(try await ledgers.execute(.depositEach([1, 2]), on: "a", commandID: "c"))
            try await ledgers.execute(.deposit(5), on: "a")
            await expectReused("execute") { try await ledgers.execute(.depositEach([1, 3]), on: "a", commandID: "c") }
            await expectReused("another case") { try await ledgers.execute(.deposit(1), on: "a", commandID: "c") }
            await expectReused("one that is refused now") {
                try await ledgers.execute(.withdraw(1_000), on: "a", commandID: "c")
            }
            await expectReused("one that does nothing") { try await ledgers.execute(.wait, on: "a", commandID: "c") }
            await expectReused("one that expects another version") {
                try await ledgers.execute(.deposit(1), on: "a", expecting: 1, commandID: "c")
            }
            await expectReused("append") {
                try await ledgers.append([.deposited(amount: 1)], to: "a", expecting: 4, commandID: "c")
            }
            await expectReused("append that expects another version") {
                try await ledgers.append([.deposited(amount: 1)], to: "a", expecting: 1, commandID: "c")
            }
            await expectReused("transaction") {
                try await store.transaction { transaction in
                    try await transaction.execute(.deposit(9), on: "b", of: L.self)
                    try await transaction.execute(.deposit(1), on: "a", of: L.self, commandID: "c")
                }
            }
            #expect(try await store.raw.documents(in: "journal").count == 4)
            // The same one is still itself, and the id is free elsewhere.
            #expect(try await ledgers.execute(.depositEach([1, 2]), on: "a", commandID: "c") == original)
            #expect(
                try await store.transaction {
                    try await $0.execute(.depositEach([1, 2]), on: "a", of: L.self, commandID: "c")
                }
                    == 3)
            #expect(try await ledgers.execute(.deposit(1), on: "b", commandID: "c")?.version == 1)
        }
    }

    @Test(
        "G3: another command's id is refused within one transaction too, and appended events are compared",
        arguments: lifecycles.indices)
    func within(index: Int) async throws { try await refuseWithin(Self.lifecycles[index]) }

    private func refuseWithin<L: Ledger>(_ ledger: L.Type) async throws {
        try await withLedgers(ledger) { store, ledgers in
            await expectReused("within") {
                try await store.transaction { transaction in
                    try await transaction.execute(.deposit(1), on: "a", of: L.self)
                    try await transaction.execute(.deposit(2), on: "a", of: L.self, commandID: "c")
                    try await transaction.execute(.deposit(3), on: "a", of: L.self, commandID: "c")
                }
            }
            #expect(try await store.raw.documents(in: "journal").isEmpty)
            let events: [Account.Event] = [.deposited(amount: 1), .deposited(amount: 2)]
            try await ledgers.execute(.deposit(9), on: "a")
            let original = try await ledgers.append(events, to: "a", expecting: 1, commandID: "c")
            #expect(try await ledgers.append(events, to: "a", expecting: 1, commandID: "c") == original)
            await expectReused("other events") {
                try await ledgers.append(events.reversed(), to: "a", expecting: 1, commandID: "c")
            }
            await expectReused("fewer events") {
                try await ledgers.append([events[0]], to: "a", expecting: 1, commandID: "c")
            }
        }
    }

    @Test(
        "G3: one of two commands that race with one id takes effect, and the other is refused",
        arguments: lifecycles.indices)
    func race(index: Int) async throws { try await race(Self.lifecycles[index]) }

    private func race<L: Ledger>(_ ledger: L.Type) async throws {
        try await withLedgers(ledger) { store, ledgers in
            for round in 0..<10 {
                let key = "k\(round)"
                if round.isMultiple(of: 2) { try await ledgers.execute(.deposit(1), on: key) }
                let outcomes = await withTaskGroup(of: (Int, Result<Int64?, any Error>).self) { group in
                    for task in 0..<6 {
                        let command: Account.Command = task.isMultiple(of: 2) ? .deposit(100) : .depositEach([7, 7])
                        group.addTask {
                            do {
                                if task < 4 {
                                    return (
                                        task,
                                        .success(try await ledgers.execute(command, on: key, commandID: "c")?.version)
                                    )
                                }
                                return (
                                    task,
                                    .success(
                                        try await store.transaction {
                                            try await $0.execute(command, on: key, of: L.self, commandID: "c")
                                        })
                                )
                            } catch {
                                return (task, .failure(error))
                            }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                let balance = try await ledgers.load(key).state.balance - (round.isMultiple(of: 2) ? 1 : 0)
                #expect([100, 14].contains(balance), "round \(round): the balance is \(balance)")
                for (task, outcome) in outcomes {
                    switch outcome {
                    case .success: #expect(task.isMultiple(of: 2) == (balance == 100), "round \(round), task \(task)")
                    case .failure(let error):
                        #expect((error as? DaybookError)?.code == .commandIDReused, "\(error)")
                        #expect(task.isMultiple(of: 2) == (balance != 100), "round \(round), task \(task)")
                    }
                }
            }
        }
    }

    /// Its commands encode as texts, and not as documents.
    private struct Switch: Aggregate {
        enum Event: Codable, Sendable { case switched(on: Bool) }
        enum Command: String, Codable, Sendable { case on, off }
        enum Rejection: Error {}
        static let type: AggregateType = "switch"
        var isOn = false
        mutating func apply(_ event: Event) {
            switch event {
            case .switched(let on): isOn = on
            }
        }
        func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] { [.switched(on: command == .on)] }
    }

    @Test("a command that is not Encodable never raises it; one that encodes as a mere text does")
    func toldApart() async throws {
        try await withTestStore { store in
            try await store.prepare(for: Switch.self)
            let (tickets, switches) = (store.repository(Ticket.self), store.repository(Switch.self))
            let first = try await tickets.execute(.change(.init(.open, priority: 1)), on: "a", commandID: "c")
            let other = Ticket.Details(.open, priority: 2)
            #expect(try await tickets.execute(.change(other), on: "a", commandID: "c") == first)
            #expect(try await tickets.load("a").state.priority == 1)
            let second = try await switches.execute(.on, on: "a", commandID: "c")
            #expect(try await switches.execute(.on, on: "a", commandID: "c") == second)
            let error = await #expect(throws: DaybookError.self) {
                try await switches.execute(.off, on: "a", commandID: "c")
            }
            #expect(error?.code == .commandIDReused)
        }
    }
}
