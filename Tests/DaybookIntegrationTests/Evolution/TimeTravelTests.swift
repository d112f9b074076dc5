@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import TestSupport
import Testing

@Suite("Time travel", .timeLimit(.minutes(2)))
struct TimeTravelTests {
    /// In 2038 the least bits of a `Date` weigh more than before.
    static let starts: [Int64] = [1_700_000_000_123, 2_147_483_700_001, 1_080_000_000_999]

    @Test("a load at a date equals folding the events recorded at it or before, to the millisecond", arguments: starts)
    func dates(start: Int64) async throws {
        let wall = WallClock(BSONDate(milliseconds: start).date)
        try await withTestStore(configure: { $0.clock = wall.clock }) { store in
            let accounts = store.repository(Account.self)
            var generator = SeededGenerator(seed: UInt64(start))
            var states: [(at: Int64, state: Account, version: Int64)] = []
            var now = start
            for round in 1...25 {
                // Some in the same millisecond as the one before, and some by a clock that runs backwards.
                now += [0, 0, 1, 1, 2, 7, 1_000, -3].randomElement(using: &generator) ?? 1
                wall.date = BSONDate(milliseconds: now).date
                let commit = try #require(
                    try await accounts.execute(.depositEach(Array(repeating: round, count: 1 + round % 3)), on: "a"))
                let recorded = try BSONDate(commit.recordedAt).milliseconds
                #expect(recorded == max(now, states.last?.at ?? .min))
                states.append((recorded, try await accounts.load("a").state, commit.version))
            }
            func expect(_ date: Date, _ milliseconds: Int64, _ what: String) async throws {
                let expected = states.last { $0.at <= milliseconds }
                let loaded = try await accounts.load("a", at: .date(date))
                #expect(loaded.version == expected?.version ?? 0, "\(what) of \(milliseconds)")
                #expect(loaded.state == expected?.state ?? Account(), "\(what) of \(milliseconds)")
            }
            for at in Set(states.map(\.at)) {
                for near in (at - 2)...(at + 2) {
                    try await expect(BSONDate(milliseconds: near).date, near, "the date")
                }
                try await expect(BSONDate(milliseconds: at).date.addingTimeInterval(0.000_7), at, "just after the date")
                try await expect(
                    BSONDate(milliseconds: at).date.addingTimeInterval(-0.000_3), at - 1, "just before the date")
            }
            try await expect(.distantPast, .min, "the distant past")
            try await expect(.distantFuture, .max, "the distant future")
            try await expect(Date(timeIntervalSince1970: .infinity), .max, "the end of time")
            try await expect(Date(timeIntervalSince1970: -.infinity), .min, "the beginning of time")
            try await expect(Date(timeIntervalSince1970: .greatestFiniteMagnitude), .max, "far beyond")
            let error = await #expect(throws: DaybookError.self) {
                try await accounts.load("a", at: .date(Date(timeIntervalSince1970: .nan)))
            }
            #expect(error?.code == .invalidArgument)
            #expect(try await accounts.load("never", at: .date(.distantFuture)).version == 0)
        }
    }

    @Test(
        "G7: a load at a version equals folding that many events, of random histories in every lifecycle",
        arguments: 0..<6)
    func randomHistories(seed: Int) async throws {
        switch seed % 3 {
        case 0: try await randomHistory(Account.self, seed)
        case 1: try await randomHistory(Tally.self, seed)
        default: try await randomHistory(Meter.self, seed)
        }
    }

    private func randomHistory<L: Ledger>(_ ledger: L.Type, _ seed: Int) async throws {
        try await withTestStore { store in
            try await store.initialize(L.self)
            let ledgers = store.repository(L.self)
            var generator = SeededGenerator(seed: UInt64(seed))
            // As the test knows it, folded from what it gave.
            var states = [L()]
            for _ in 0..<12 {
                let before = try #require(states.last)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0 where states.count > 1:
                    let balance = Int64.random(in: -50...50, using: &generator)
                    guard
                        try await ledgers.correct(
                            "a", patch: ["balance": .int64(balance)], reason: "r", actor: "a") != nil
                    else { continue }
                    states.append(
                        try BSONDecoder().decode(
                            L.self, from: BSONEncoder().encode(before).merging(["balance": .int64(balance)])))
                case 1:
                    let event = Account.Event.withdrawn(amount: .random(in: 1...9, using: &generator))
                    try await ledgers.append([event], to: "a", expecting: Int64(states.count - 1))
                    var state = before
                    state.apply(event)
                    states.append(state)
                default:
                    let amounts = (0...Int.random(in: 0...4, using: &generator)).map { _ in
                        Int.random(in: 1...99, using: &generator)
                    }
                    try await ledgers.execute(.depositEach(amounts), on: "a")
                    for amount in amounts {
                        var state = try #require(states.last)
                        state.apply(.deposited(amount: amount))
                        states.append(state)
                    }
                }
            }
            await store.poster.drain()
            for (version, expected) in states.enumerated() {
                let loaded = try await ledgers.load("a", at: .version(Int64(version)))
                #expect(loaded.state == expected)
                #expect(loaded.version == Int64(version))
            }
            #expect(try await ledgers.load("a") == ledgers.load("a", at: .version(Int64(states.count - 1))))
        }
    }
}
