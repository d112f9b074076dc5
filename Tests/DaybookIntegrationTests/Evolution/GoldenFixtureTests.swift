import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

/// Journals as earlier versions of a domain wrote them, read by the domain of today. The fixtures are files that
/// nothing here writes: what they hold must be readable for as long as there are journals.
@Suite("Golden fixtures of older schemas", .timeLimit(.minutes(1)))
struct GoldenFixtureTests {
    /// What a generation wrote, and what it says today.
    struct Generation: Sendable, CustomTestStringConvertible {
        let key: String
        /// The state after each event, each made from the one before.
        let changes: [@Sendable (inout ClubCard) -> Void]
        let bodies: [Body]

        var testDescription: String { key }

        var states: [ClubCard] {
            var state = ClubCard()
            return changes.map { change in
                change(&state)
                return state
            }
        }

        func fixture() throws -> (journal: [BSONDocument], snapshot: BSONDocument) {
            let file = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "Fixtures/\(key)-generation.json")
            let document = try BSONDocument(extendedJSON: String(contentsOf: file, encoding: .utf8))
            guard case .document(let snapshot) = document["snapshot"] else { throw RawDatabase.NoMatch() }
            return (document.documents(at: "journal"), snapshot)
        }
    }

    enum Body: Equatable, Sendable {
        case event(ClubCard.Event)
        case correction(schema: Int32, reason: String, actor: String)
        case retired(String)

        init(_ body: RecordedEvent<ClubCard>.Body) {
            self =
                switch body {
                case .event(let event): .event(event)
                case .correction(let correction):
                    .correction(schema: correction.stateSchema, reason: correction.reason, actor: correction.actor)
                case .retired(let type): .retired(type)
                }
        }
    }

    private static func date(_ milliseconds: Int64) -> Date {
        BSONDate(milliseconds: 1_577_836_800_000 + milliseconds).date
    }

    static let generations: [Generation] = [
        Generation(
            key: "first",
            changes: [
                { ($0.holder.name, $0.feeCents, $0.isActive) = ("Ada", 2_550, true) }, { $0.visits = 1 },
                { $0.balanceCents = 2_550 },
                { _ in }, { _ in }, { ($0.balanceCents, $0.feeCents) = (3_025, 2_000) },
                { $0.until = date(30 * 86_400_000) },
                { $0.balanceCents = 3_050 },
            ],
            bodies: [
                .event(.joined(holder: .init(name: "Ada"), feeCents: 2_550)), .event(.checkedIn(at: nil)),
                .event(.paid(cents: 2_550, currency: "EUR")), .retired("pinged"), .retired("flagged"),
                .correction(schema: 1, reason: "paid in cash", actor: "clerk-7"),
                .event(.renewed(until: date(30 * 86_400_000))),
                .event(.paid(cents: 25, currency: "EUR")),
            ]),
        Generation(
            key: "second",
            changes: [
                { ($0.holder.name, $0.feeCents, $0.isActive) = ("Gerty", 1_000, true) }, { $0.balanceCents = 1_000 },
                { $0.balanceCents = 2_999 }, { $0.visits = 1 }, { $0.until = date(86_400_000) },
                { ($0.balanceCents, $0.notes, $0.holder.name) = (5_000, ["goodwill"], "Grace") }, { $0.visits = 2 },
            ],
            bodies: [
                .event(.joined(holder: .init(name: "Gerty"), feeCents: 1_000)),
                .event(.paid(cents: 1_000, currency: "EUR")),
                .event(.paid(cents: 1_999, currency: "EUR")), .event(.checkedIn(at: nil)),
                .event(.renewed(until: date(86_400_000))),
                .correction(schema: 2, reason: "a wrong name", actor: "clerk-8"),
                .event(.checkedIn(at: nil)),
            ]),
        Generation(
            key: "third",
            changes: [
                { ($0.holder.name, $0.feeCents, $0.isActive) = ("Mary", 990, true) },
                { ($0.holder.name, $0.feeCents) = ("Maria", 880) }, { $0.balanceCents = 880 }, { $0.until = date(5) },
                { $0.notes = ["late"] }, { $0.holder.tier = "gold" }, { $0.visits = 1 }, { $0.isActive = false },
            ],
            bodies: [
                .event(.joined(holder: .init(name: "Mary"), feeCents: 990)),
                .correction(schema: 2, reason: "a discount", actor: "clerk-8"),
                .event(.paid(cents: 880, currency: "EUR")),
                .event(.renewed(until: date(5))), .event(.flagged(reason: "late")),
                .correction(schema: 3, reason: "as promised", actor: "clerk-9"), .event(.checkedIn(at: date(1))),
                .event(.left),
            ]),
    ]

    private func withGeneration(
        _ generation: Generation, _ body: (DaybookStore, Repository<ClubCard>, [BSONDocument]) async throws -> Void
    ) async throws {
        try await withTestStore { store in
            try await store.prepare(for: ClubCard.self)
            let (journal, snapshot) = try generation.fixture()
            try #require(journal.count == generation.changes.count)
            try await store.raw.insert(journal, into: "journal")
            try await store.raw.insert([snapshot], into: "snapshots.membership")
            try await body(store, store.repository(ClubCard.self), journal)
        }
    }

    @Test(
        "G6: an old journal is loaded to the state that it means today, and takes new commits", arguments: generations)
    func load(_ generation: Generation) async throws {
        try await withGeneration(generation) { store, memberships, journal in
            let expected = try #require(generation.states.last)
            let loaded = try await memberships.load(generation.key)
            #expect(loaded.state == expected)
            #expect(loaded.version == Int64(journal.count))
            // An old state is found by the query and folded anew; one of today's, as the third has it, is given as it
            // stands.
            var found: [Snapshot<ClubCard>] = []
            for try await snapshot in memberships.query() { found.append(snapshot) }
            let isOfToday = try await store.raw.documents(in: "snapshots.membership")[0]["stateSchema"] == .int32(3)
            #expect(isOfToday == (generation.key == "third"))
            #expect(found.map(\.state) == [isOfToday ? generation.states[3] : expected])
            #expect(found.map(\.version) == [isOfToday ? 4 : loaded.version])
            // Its snapshot gives way to one of today, and what is appended is of today's schema.
            let commit = try #require(
                try await memberships.execute(.pay(cents: 1), on: generation.key, commandID: "new"))
            #expect(commit.version == loaded.version + 1)
            let stored = try #require(
                try await store.raw.document(in: "snapshots.membership", id: "membership/\(generation.key)"))
            var after = expected
            after.balanceCents += 1
            #expect(stored["state"] == .document(try BSONEncoder().encode(after)))
            #expect(stored["stateSchema"] == .int32(3))
            let last = try await store.raw.documents(in: "journal").first {
                $0.integer(at: "version") == commit.version
            }
            #expect(last?["schema"] == .int32(3))
            found = []
            for try await snapshot in memberships.query(where: \.balanceCents == after.balanceCents) {
                found.append(snapshot)
            }
            #expect(found.map(\.state) == [after])
            // The old events are as they were.
            let now = try await store.raw.documents(in: "journal", where: ["version": ["$lte": .int64(loaded.version)]])
            #expect(Set(now) == Set(journal))
        }
    }

    @Test("G7: every version and every date of an old journal can be gone back to", arguments: generations)
    func timeTravel(_ generation: Generation) async throws {
        try await withGeneration(generation) { _, memberships, journal in
            for (index, expected) in generation.states.enumerated() {
                #expect(try await memberships.load(generation.key, at: .version(Int64(index + 1))).state == expected)
                guard case .datetime(let date) = journal[index]["recordedAt"] else { throw RawDatabase.NoMatch() }
                // A commit is recorded at one time: by date it is there as a whole.
                let last = try #require(journal.lastIndex { $0["recordedAt"] == .datetime(date) })
                let then = try await memberships.load(generation.key, at: .date(date.date))
                #expect(then.state == generation.states[last])
                #expect(then.version == Int64(last + 1))
            }
            #expect(try await memberships.load(generation.key, at: .date(Self.date(-86_400_000 * 3650))).version == 0)
        }
    }

    @Test(
        "the history of an old journal shows today's events, with the types and schemas that they were written in",
        arguments: generations)
    func history(_ generation: Generation) async throws {
        try await withGeneration(generation) { _, memberships, journal in
            var events: [RecordedEvent<ClubCard>] = []
            for try await event in try memberships.history(generation.key) { events.append(event) }
            #expect(events.map { Body($0.body) } == generation.bodies)
            #expect(events.map(\.type) == journal.map { $0.string(at: "type") })
            #expect(events.map { Int64($0.schema) } == journal.map { $0.integer(at: "schema") })
            #expect(events.map(\.metadata.actor) == journal.map { $0.string(at: "meta.actor") })
            #expect(events.map(\.metadata.commandID) == journal.map { $0.string(at: "meta.commandId") })
            #expect(events.map(\.metadata.headers["trace"]) == journal.map { $0.string(at: "meta.headers.trace") })
            #expect(
                events.map {
                    BSONValue.datetime(
                        BSONDate(milliseconds: Int64(($0.recordedAt.timeIntervalSince1970 * 1000).rounded())))
                }
                    == journal.map { $0["recordedAt"] })
        }
    }
}
