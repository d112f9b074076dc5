@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Logging
import Testing

@Suite("Clocks", .timeLimit(.minutes(2)))
struct ClockCorrectionTests {
    /// The real time, wrong by an offset.
    private static func skewed(by offset: TimeInterval, followsServer: Bool = true) -> CommitClock {
        CommitClock(
            now: { Date().addingTimeInterval(offset) }, random: { .random(in: .min ... .max) },
            followsServer: followsServer)
    }

    private func serverTime(_ store: DaybookStore) async throws -> Date {
        guard case .datetime(let date) = try await store.raw.read(["hello": 1])["localTime"] else {
            throw RawDatabase.NoMatch()
        }
        return date.date
    }

    @Test("two writers whose clocks are ten minutes apart record the server's time, and ids rise along the aggregate")
    func tenMinutesApart() async throws {
        let (ahead, behind) = (CapturedLines(), CapturedLines())
        try await withTestStore(configure: {
            $0.clock = Self.skewed(by: 300)
            $0.logger = ahead.logger
        }) { first in
            try await first.initialize(Tally.self)
            var configuration = first.configuration
            configuration.clock = Self.skewed(by: -300)
            configuration.logger = behind.logger
            try await withDaybook(configuration) { second in
                let before = try await serverTime(first)
                for round in 0..<12 {
                    let store = round.isMultiple(of: 2) ? first : second
                    switch round % 3 {
                    case 0: try await store.repository(Account.self).execute(.deposit(1), on: "a")
                    case 1:
                        _ = try await store.transaction {
                            try await $0.execute(.depositEach([1, 2]), on: "a", of: Account.self)
                        }
                    default:
                        try await store.repository(Account.self).append(
                            [.deposited(amount: 1)], to: "a",
                            expecting: try await first.repository(Account.self).load("a").version)
                    }
                    try await store.repository(Tally.self).execute(.deposit(1), on: "t")
                }
                let after = try await serverTime(first)
                let events = try await first.raw.documents(in: "journal")
                #expect(events.count == 28)
                for event in events {
                    guard case .datetime(let date) = event["recordedAt"] else { throw RawDatabase.NoMatch() }
                    #expect(
                        date.date > before.addingTimeInterval(-2) && date.date < after.addingTimeInterval(2),
                        "\(date.date) is not between \(before) and \(after)")
                }
                for id in ["account/a", "tally/t"] {
                    let ids = events.filter { $0.string(at: "aggregateId") == id }
                        .sorted { ($0.integer(at: "version") ?? 0) < ($1.integer(at: "version") ?? 0) }
                        .compactMap { if case .binary(let id) = $0["_id"] { id.bytes } else { nil } }
                    #expect(zip(ids, ids.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
                }
            }
        }
        for lines in [ahead, behind] {
            let warnings = lines.containing("clock differs")
            #expect(warnings.count == 1)
            #expect(warnings.first?.level == .warning)
            #expect(warnings.first?.metadata["offset"]?.contains("300") == true, "\(warnings.first?.metadata ?? [:])")
        }
    }

    @Test("the first writes of a store are right too when they come all at once")
    func atOnce() async throws {
        let lines = CapturedLines()
        try await withTestStore(configure: {
            $0.clock = Self.skewed(by: 600)
            $0.logger = lines.logger
        }) { store in
            let accounts = store.repository(Account.self)
            let before = try await serverTime(store)
            let commits = try await withThrowingTaskGroup(of: Commit?.self) { group in
                for task in 0..<16 { group.addTask { try await accounts.execute(.deposit(1), on: "k\(task)") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let after = try await serverTime(store)
            for commit in commits {
                let recordedAt = try #require(commit?.recordedAt)
                #expect(recordedAt > before.addingTimeInterval(-2) && recordedAt < after.addingTimeInterval(2))
            }
        }
        #expect(lines.containing("clock differs").count == 1)
    }

    @Test("an offset under five seconds is corrected without a word")
    func small() async throws {
        let lines = CapturedLines()
        try await withTestStore(configure: {
            $0.clock = Self.skewed(by: 4)
            $0.logger = lines.logger
        }) { store in
            let before = try await serverTime(store)
            let commit = try await store.repository(Account.self).execute(.deposit(1), on: "a")
            #expect(try #require(commit).recordedAt < before.addingTimeInterval(3))
        }
        #expect(lines.containing("clock").isEmpty)
    }

    @Test("a simulated clock is left as it is")
    func simulated() async throws {
        let lines = CapturedLines()
        let wall = WallClock(BSONDate(milliseconds: 2_147_483_700_001).date)
        try await withTestStore(configure: {
            $0.clock = wall.clock
            $0.logger = lines.logger
        }) { store in
            let accounts = store.repository(Account.self)
            let first = try await accounts.execute(.deposit(1), on: "a")
            #expect(first?.recordedAt == wall.date)
            wall.date = BSONDate(milliseconds: 5).date
            #expect(try await accounts.execute(.deposit(1), on: "b")?.recordedAt == wall.date)
        }
        #expect(lines.containing("clock").isEmpty)
    }

    @Test("a server that does not answer hello is written to all the same, by the machine's own clock")
    func failingHello() async throws {
        try await withTestStore(configure: {
            $0.uri += ($0.uri.contains("?") ? "&" : "?") + "appName=clock-\(UUID().uuidString)"
        }
        ) { store in
            guard let appName = store.configuration.uri.split(separator: "=").last.map(String.init) else { return }
            // The first look at the server's kind is not what this is about.
            _ = try await store.repository(Account.self).load("a")
            // The driver's own hellos are others' work; those of this name fail.
            let failPoint: BSONDocument = [
                "configureFailPoint": "failCommand", "mode": "alwaysOn",
                "data": ["failCommands": ["hello"], "errorCode": 8000, "appName": .string(appName)],
            ]
            _ = try await store.raw.read(failPoint, database: "admin")
            let before = Date()
            let result: Result<Commit?, any Error>
            do {
                result = .success(try await store.repository(Account.self).execute(.deposit(1), on: "a"))
            } catch {
                result = .failure(error)
            }
            _ = try await store.raw.read(["configureFailPoint": "failCommand", "mode": "off"], database: "admin")
            let commit = try #require(try result.get())
            #expect(commit.recordedAt >= before.addingTimeInterval(-1) && commit.recordedAt <= Date())
            #expect(try await store.repository(Account.self).execute(.deposit(1), on: "a")?.version == 2)
        }
    }
}
