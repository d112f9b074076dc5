@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite("Correcting", .timeLimit(.minutes(2)))
struct CorrectTests {
    static let ledgers: [any Ledger.Type] = [Account.self, Tally.self, Meter.self]

    private func withLedgers<L: Ledger>(
        _ ledger: L.Type, _ body: (DaybookStore, Repository<L>) async throws -> Void
    ) async throws {
        try await withTestStore { store in
            try await store.initialize(L.self)
            try await body(store, store.repository(L.self))
        }
    }

    /// The stored snapshot, the load and the replay have the same bytes.
    private func expectAgreement<L: Ledger>(_ store: DaybookStore, _ ledgers: Repository<L>, _ key: String)
        async throws
    {
        await store.poster.drain()
        let loaded = try await ledgers.load(key)
        let replayed = try await ledgers.load(key, at: .version(loaded.version))
        #expect(replayed == loaded)
        let bytes = try BSONEncoder().encode(replayed.state)
        #expect(try BSONEncoder().encode(loaded.state) == bytes)
        guard L.lifecycle != .live else { return }
        let stored = try #require(try await store.raw.document(in: L.snapshotCollection, id: loaded.id.rawValue))
        #expect(stored["state"] == .document(bytes))
        #expect(stored.integer(at: "version") == loaded.version)
    }

    @Test(
        "a correction is an event: in the history, before and after it, and in every replay", arguments: ledgers.indices
    )
    func correct(index: Int) async throws { try await correct(Self.ledgers[index]) }

    private func correct<L: Ledger>(_ ledger: L.Type) async throws {
        try await withLedgers(ledger) { store, ledgers in
            try await ledgers.execute(.depositEach([10, 20]), on: "a")
            let context = CommandContext(correlationID: "co", actor: "overridden")
            let commit = try #require(
                try await ledgers.correct(
                    "a", patch: ["balance": 5.0], reason: "counted again", actor: "clerk", context: context))
            #expect(commit.versions == 3...3)
            try await ledgers.execute(.deposit(1), on: "a")
            let loaded = try await ledgers.load("a")
            #expect(loaded.version == 4)
            #expect(loaded.state.balance == 6)
            #expect(loaded.state.entries == 3, "a correction changes what it names and nothing else")
            #expect(try await ledgers.load("a", at: .version(2)).state.balance == 30)
            #expect(try await ledgers.load("a", at: .version(3)).state.balance == 5)
            #expect(try await ledgers.load("a", at: .date(commit.recordedAt)).state.balance != 30)
            #expect(try await ledgers.load("a", at: .date(commit.recordedAt.addingTimeInterval(-3600))).version == 0)
            var events: [RecordedEvent<L>] = []
            for try await event in try ledgers.history("a") { events.append(event) }
            #expect(events.count == 4)
            guard case .correction(let correction) = events[2].body else {
                Issue.record("the third event is \(events[2].body)")
                return
            }
            #expect(correction.patch == ["balance": .int64(5)], "stored as the type that the field has")
            #expect(correction.reason == "counted again")
            #expect(correction.actor == "clerk")
            #expect(correction.stateSchema == L.stateSchema)
            #expect(events[2].type == "$corrected" && events[2].schema == 1)
            #expect(events[2].metadata.actor == "clerk" && events[2].metadata.correlationID == "co")
            try await expectAgreement(store, ledgers, "a")
            // Also on top of a snapshot that somebody has edited, the journal counts.
            if L.lifecycle != .live {
                try await store.raw.update(
                    ["_id": .string(loaded.id.rawValue)], with: ["$set": ["state.balance": 1_000, "state.entries": 9]],
                    in: L.snapshotCollection)
            }
            #expect(try await ledgers.correct("a", patch: ["balance": 7], reason: "r", actor: "a")?.version == 5)
            #expect(try await ledgers.load("a").state.balance == 7)
            #expect(try await ledgers.load("a").state.entries == 3)
            try await expectAgreement(store, ledgers, "a")
        }
    }

    @Test("G12: what the state cannot be is refused, and nothing is written", arguments: ledgers.indices)
    func refused(index: Int) async throws { try await refuse(Self.ledgers[index]) }

    private func refuse<L: Ledger>(_ ledger: L.Type) async throws {
        try await withLedgers(ledger) { store, ledgers in
            try await ledgers.execute(.deposit(1), on: "a")
            func expect(
                _ code: DaybookError.Code, key: String = "a", _ patch: BSONDocument, reason: String = "r",
                actor: String = "a",
                expecting: Int64? = nil, commandID: String? = nil
            ) async {
                let error = await #expect(throws: DaybookError.self) {
                    try await ledgers.correct(
                        key, patch: patch, reason: reason, actor: actor, expecting: expecting, commandID: commandID)
                }
                #expect(error?.code == code, "\(patch) \(error?.message ?? "")")
                #expect(error?.operation == "correct")
            }
            await expect(.invalidArgument, ["unknown": 1])
            await expect(.invalidArgument, ["balance": "much"])
            await expect(.invalidArgument, ["balance": 0.5])
            await expect(.invalidArgument, ["balance": .null])
            await expect(.invalidArgument, key: "never", ["balance": 2])
            await expect(.invalidArgument, ["balance": 2], reason: "")
            await expect(.invalidArgument, ["balance": 2], reason: String(repeating: "x", count: 1_025))
            await expect(.invalidArgument, ["balance": 2], actor: "")
            await expect(.invalidArgument, ["balance": 2], actor: "a\nb")
            await expect(.invalidArgument, ["balance": 2], commandID: "")
            await expect(.conflict, ["balance": 2], expecting: 2)
            await expect(.conflict, ["balance": 2], expecting: 0)
            #expect(try await store.raw.documents(in: "journal").count == 1)
            #expect(try await ledgers.load("a").state.balance == 1)
            let longest = String(repeating: "x", count: 1_024)
            #expect(
                try await ledgers.correct(
                    "a", patch: ["balance": 2], reason: longest, actor: longest, expecting: 1)?.version
                    == 2)
        }
    }

    @Test("a correction to values that the state already has writes nothing", arguments: ledgers.indices)
    func nothing(index: Int) async throws { try await correctNothing(Self.ledgers[index]) }

    private func correctNothing<L: Ledger>(_ ledger: L.Type) async throws {
        try await withLedgers(ledger) { store, ledgers in
            try await ledgers.execute(.deposit(5), on: "a")
            for patch in [["balance": 5], ["balance": 5.0], [:], ["none": .null]] as [BSONDocument] {
                let commit = try await ledgers.correct("a", patch: patch, reason: "r", actor: "a", commandID: "c")
                #expect(commit == nil)
            }
            #expect(try await store.raw.documents(in: "journal").count == 1)
        }
    }

    @Test("G3: a correction takes effect once, and its id is no other's", arguments: ledgers.indices)
    func commandID(index: Int) async throws { try await repeatCorrection(Self.ledgers[index]) }

    private func repeatCorrection<L: Ledger>(_ ledger: L.Type) async throws {
        try await withLedgers(ledger) { store, ledgers in
            try await ledgers.execute(.deposit(5), on: "a", commandID: "deposit")
            let commit = try await ledgers.correct(
                "a", patch: ["balance": 9], reason: "r", actor: "a", commandID: "c")
            #expect(commit?.versions == 2...2)
            try await ledgers.execute(.deposit(5), on: "a")
            #expect(
                try await ledgers.correct(
                    "a", patch: ["balance": 9], reason: "r", actor: "a", expecting: 1, commandID: "c") == commit)
            for (patch, reason, actor, id) in [
                (["balance": 10], "r", "a", "c"), (["balance": 9], "other", "a", "c"),
                (["balance": 9], "r", "other", "c"), (["balance": 9], "r", "a", "deposit"),
            ] as [(BSONDocument, String, String, String)] {
                let error = await #expect(throws: DaybookError.self) {
                    try await ledgers.correct("a", patch: patch, reason: reason, actor: actor, commandID: id)
                }
                #expect(error?.code == .commandIDReused)
            }
            let error = await #expect(throws: DaybookError.self) {
                try await ledgers.execute(.deposit(1), on: "a", commandID: "c")
            }
            #expect(error?.code == .commandIDReused)
            #expect(try await store.raw.documents(in: "journal").count == 3)
        }
    }

    @Test("writers and corrections that race lose nothing", arguments: ledgers.indices)
    func race(index: Int) async throws { try await race(Self.ledgers[index]) }

    private func race<L: Ledger>(_ ledger: L.Type) async throws {
        try await withLedgers(ledger) { store, ledgers in
            try await ledgers.execute(.deposit(1), on: "a")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 1...4 {
                    group.addTask { for _ in 1...4 { try await ledgers.execute(.deposit(1), on: "a") } }
                    group.addTask {
                        for round in 1...2 {
                            try await ledgers.correct(
                                "a", patch: ["balance": .int64(Int64(task * 1_000 + round * 100))], reason: "r",
                                actor: "a")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await ledgers.load("a").version == 1 + 16 + 8)
            #expect(try await ledgers.load("a").state.entries == 17)
            try await expectAgreement(store, ledgers, "a")
        }
    }

    private func expectUnknown(_ body: () async throws -> Void) async {
        let error = await #expect(throws: DaybookError.self) { try await body() }
        #expect(error?.code == .unknownEvent)
        #expect(error?.aggregateID == "dial/d")
        #expect(error?.version == 2)
        #expect(error?.message.contains("correctionUpcasters") == true)
    }

    @Test("a raised stateSchema says what becomes of its corrections, or they cannot be read")
    func raisedSchema() async throws {
        try await withTestStore { store in
            let first = store.repository(Dial<FirstDial>.self)
            try await store.prepare(for: Dial<FirstDial>.self)
            try await first.execute(.turn(3), on: "d")
            let original = try await first.correct("d", patch: ["value": 10], reason: "r", actor: "a", commandID: "c")
            try await first.execute(.turn(1), on: "d")
            #expect(try await first.load("d").state.value == 11)

            let forgetful = store.repository(Dial<ForgetfulDial>.self)
            await expectUnknown { _ = try await forgetful.load("d") }
            await expectUnknown { _ = try await forgetful.load("d", at: .version(2)) }
            await expectUnknown { try await forgetful.execute(.turn(1), on: "d") }
            await expectUnknown { for try await _ in forgetful.query() {} }
            #expect(try await forgetful.load("d", at: .version(1)).state.value == 3)
            // It is told all the same: what is stored can be read.
            var told = 0
            for try await event in try forgetful.history("d") { if case .correction = event.body { told += 1 } }
            #expect(told == 1)

            let unchanged = store.repository(Dial<UnchangedDial>.self)
            #expect(try await unchanged.load("d").state.value == 11)
            try await unchanged.correct("d", patch: ["value": 20], reason: "r", actor: "a")
            #expect(try await unchanged.load("d").state.value == 20)
            // The first program, still running, cannot read the correction of a newer state.
            let error = await #expect(throws: DaybookError.self) { try await first.load("d") }
            #expect(error?.code == .unknownEvent)
            #expect(error?.version == 4)
            #expect(error?.message.contains("newer program") == true)

            let fine = store.repository(Dial<FineDial>.self)
            #expect(try await fine.load("d").state.value == 20_000)
            #expect(try await fine.load("d", at: .version(3)).state.value == 11_000)
            try await fine.execute(.turn(1), on: "d")
            try await fine.correct("d", patch: ["label": "x"], reason: "r", actor: "a")
            #expect(try await fine.load("d").state.value == 21_000)
            #expect(try await fine.load("d", at: .version(6)) == fine.load("d"))
            // Repeated by the newer program, a correction is still the one that it was.
            #expect(
                try await fine.correct("d", patch: ["value": 10], reason: "r", actor: "a", commandID: "c") == original)
        }
    }

    @Test("a correction changes one field of a document in the state, in its snapshot and in a replay")
    func nested() async throws {
        try await withTestStore { store in
            let tickets = store.repository(Ticket.self)
            try await tickets.execute(.change(.init(.open, priority: 1, row: 2)), on: "t")
            try await tickets.correct("t", patch: ["place": ["row": 7.0]], reason: "r", actor: "a")
            let loaded = try await tickets.load("t")
            #expect(loaded.state.place.row == 7 && loaded.state.priority == 1)
            #expect(try await tickets.load("t", at: .version(2)) == loaded)
            #expect(try await store.isCaughtUp("t", Ticket.self))
        }
    }

    @Test("a correction that cannot be upcast is unreadable, with its place")
    func unreadable() async throws {
        try await withTestStore { store in
            let unchanged = store.repository(Dial<UnchangedDial>.self)
            try await store.prepare(for: Dial<UnchangedDial>.self)
            try await unchanged.execute(.turn(3), on: "d")
            try await unchanged.correct("d", patch: ["label": "hidden"], reason: "r", actor: "a")
            let error = await #expect(throws: DaybookError.self) {
                try await store.repository(Dial<FineDial>.self).load("d")
            }
            #expect(error?.code == .unreadableEvent)
            #expect(error?.version == 2)
            #expect(error?.message.contains("NoValue") == true)
            #expect(error?.description.contains("hidden") == false)
        }
    }
}
