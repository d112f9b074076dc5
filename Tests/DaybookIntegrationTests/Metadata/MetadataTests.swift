@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite("Metadata", .timeLimit(.minutes(2)))
struct MetadataTests {
    static let lifecycles: [any Ledger.Type] = [Account.self, Tally.self, Meter.self]

    private static let context = CommandContext(
        correlationID: "co-1", causationID: "ca-1", actor: "who", headers: ["Trace": "77", "Authorization": "secret"])

    private func withLedgers<L: Ledger>(_ ledger: L.Type, _ body: (DaybookStore, Repository<L>) async throws -> Void)
        async throws
    {
        try await withTestStore(configure: { $0.allowedHeaders = ["TRACE", "tenant"] }) { store in
            try await store.initialize(L.self)
            try await body(store, store.repository(L.self))
        }
    }

    @Test(
        "every event of a commit says in what connection it came about; the first one says by which command",
        arguments: lifecycles.indices)
    func commit(index: Int) async throws { try await commit(Self.lifecycles[index]) }

    private func commit<L: Ledger>(_ ledger: L.Type) async throws {
        try await withLedgers(ledger) { store, ledgers in
            try await ledgers.execute(.depositEach([1, 2, 3]), on: "a", commandID: "c", context: Self.context)
            try await ledgers.execute(.deposit(4), on: "a", context: Self.context)
            try await ledgers.append(
                [.deposited(amount: 5), .deposited(amount: 6)], to: "a", expecting: 4, commandID: "d")
            try await ledgers.append([.deposited(amount: 7)], to: "a", expecting: 6)
            var metadata: [EventMetadata] = []
            for try await event in try ledgers.history("a") { metadata.append(event.metadata) }
            #expect(metadata.map(\.correlationID) == Array(repeating: "co-1", count: 4) + [nil, nil, nil])
            #expect(metadata.map(\.causationID) == Array(repeating: "ca-1", count: 4) + [nil, nil, nil])
            #expect(metadata.map(\.actor) == Array(repeating: "who", count: 4) + [nil, nil, nil])
            #expect(metadata.map(\.headers) == Array(repeating: ["trace": "77"], count: 4) + [[:], [:], [:]])
            #expect(metadata.map(\.commandID) == ["c", nil, nil, nil, "d", nil, nil])
            #expect(metadata.map(\.commandName) == ["depositEach", nil, nil, "deposit", nil, nil, nil])
            #expect(metadata.map { $0.commandDigest?.count } == [32, nil, nil, nil, 32, nil, nil])
            for document in try await store.raw.documents(in: "journal") {
                #expect(!document.bytes.contains(Array("secret".utf8)))
            }
        }
    }

    @Test(
        "every event of every participant of a transaction says so too, and each command begins on its own first event")
    func transaction() async throws {
        try await withLedgers(Tally.self) { store, tallies in
            try await store.transaction(context: Self.context) { transaction in
                try await transaction.execute(.depositEach([1, 2]), on: "a", of: Account.self, commandID: "c-1")
                try await transaction.execute(.depositEach([3, 4]), on: "a", of: Account.self, commandID: "c-2")
                try await transaction.execute(.depositEach([5, 6]), on: "a", of: Account.self)
                try await transaction.execute(.depositEach([7, 8]), on: "t", of: Tally.self, commandID: "c-1")
            }
            var events: [RecordedEvent<Account>] = []
            for try await event in try store.repository(Account.self).history("a") { events.append(event) }
            #expect(events.map(\.metadata.commandID) == ["c-1", nil, "c-2", nil, nil, nil])
            #expect(events.map(\.metadata.commandName) == ["depositEach", nil, "depositEach", nil, "depositEach", nil])
            #expect(events.map { $0.metadata.commandDigest != nil } == [true, false, true, false, false, false])
            var tallied: [RecordedEvent<Tally>] = []
            for try await event in try tallies.history("t") { tallied.append(event) }
            #expect(tallied.map(\.metadata.commandID) == ["c-1", nil])
            for metadata in events.map(\.metadata) + tallied.map(\.metadata) {
                #expect(metadata.correlationID == "co-1" && metadata.causationID == "ca-1" && metadata.actor == "who")
                #expect(metadata.headers == ["trace": "77"])
            }
            // What comes behind a command without an id of its own is not counted to it.
            let accounts = store.repository(Account.self)
            #expect(try await accounts.execute(.depositEach([3, 4]), on: "a", commandID: "c-2")?.versions == 3...4)
            #expect(try await accounts.execute(.depositEach([1, 2]), on: "a", commandID: "c-1")?.versions == 1...2)
        }
    }

    @Test("G12: a context that breaks a rule is refused before anything is sent", arguments: lifecycles.indices)
    func refused(index: Int) async throws { try await refuse(Self.lifecycles[index]) }

    private func expectRefused(_ body: () async throws -> Void) async {
        let error = await #expect(throws: DaybookError.self) { try await body() }
        #expect(error?.code == .invalidArgument)
    }

    private func refuse<L: Ledger>(_ ledger: L.Type) async throws {
        try await withLedgers(ledger) { store, ledgers in
            let long = String(repeating: "x", count: 1_025)
            let contexts: [CommandContext] = [
                CommandContext(correlationID: ""), CommandContext(causationID: long), CommandContext(actor: "a\u{0}"),
                CommandContext(headers: ["trace": long]), CommandContext(headers: ["TENANT": "\r\n"]),
                CommandContext(headers: ["tenant": "1", "Tenant": "2"]),
            ]
            for context in contexts {
                await expectRefused { try await ledgers.execute(.deposit(1), on: "a", context: context) }
                await expectRefused {
                    try await ledgers.append([.deposited(amount: 1)], to: "a", expecting: 0, context: context)
                }
                await expectRefused {
                    try await store.transaction(context: context) { transaction in
                        Issue.record("the transaction began")
                        try await transaction.execute(.deposit(1), on: "a", of: L.self)
                    }
                }
            }
            let journal = try await store.raw.documents(in: "journal")
            #expect(journal.isEmpty)
        }
    }
}

extension [UInt8] {
    fileprivate func contains(_ other: [UInt8]) -> Bool {
        indices.contains { self[$0...].starts(with: other) }
    }
}
