import Daybook
import DaybookBSON
import IntegrationSupport
import Testing

extension HeavyLoad {
    @Suite struct WriterRaceTests {
        /// Who won, and what the other one was told.
        private struct Race: Sendable {
            var winners: [Commit] = []
            var losers: [DaybookError] = []
            var winningAmount = 0
        }

        @Test("G1: one of two writers at one version wins, again and again", .timeLimit(.minutes(4)))
        func oneWinner() async throws {
            try await withTestStore { store in
                let accounts = store.repository(Account.self)
                let lanes = 4
                let races = (TestScale.races + lanes - 1) / lanes
                // Several accounts at a time: the races of one meet the traffic of the others.
                let winners = try await withThrowingTaskGroup(of: [String: [Race]].self) { group in
                    for lane in 1...lanes {
                        group.addTask {
                            var won: [Race] = []
                            for race in 0..<races {
                                won.append(try await Self.race(accounts, "lane-\(lane)", at: Int64(race)))
                            }
                            return ["account/lane-\(lane)": won]
                        }
                    }
                    return try await group.reduce(into: [:]) { $0.merge($1) { first, _ in first } }
                }

                let audit = try await JournalAudit(store.raw)
                #expect(audit.faults.isEmpty, "\(audit.faults.prefix(5))")
                #expect(audit.eventCount == lanes * races)
                for (id, races) in winners {
                    for (index, race) in races.enumerated() {
                        let version = Int64(index) + 1
                        try #require(race.winners.count == 1 && race.losers.count == 1, "race \(version) of \(id)")
                        #expect(race.winners[0].versions == version...version)
                        #expect(race.losers[0].code == .conflict)
                        #expect(race.losers[0].version == version)
                        #expect(race.losers[0].aggregateID == id)
                    }
                    // The journal holds what the winners wrote, and nothing of the losers.
                    let stored = audit.events[id] ?? []
                    #expect(
                        stored.map { $0.value(at: "commit.id") } == races.map { .binary(BSONBinary($0.winners[0].id)) })
                    #expect(stored.map { $0.integer(at: "data.amount") } == races.map { Int64($0.winningAmount) })
                }
            }
        }

        private static func race(_ accounts: Repository<Account>, _ key: String, at version: Int64) async throws -> Race
        {
            try await withThrowingTaskGroup(of: (Int, Result<Commit?, DaybookError>).self) { group in
                for amount in [1, 2] {
                    group.addTask {
                        do {
                            return (
                                amount,
                                .success(
                                    try await accounts.append([.deposited(amount: amount)], to: key, expecting: version)
                                )
                            )
                        } catch let error as DaybookError {
                            return (amount, .failure(error))
                        }
                    }
                }
                var race = Race()
                for try await (amount, outcome) in group {
                    switch outcome {
                    case .success(let commit):
                        race.winners.append(try #require(commit))
                        race.winningAmount = amount
                    case .failure(let error): race.losers.append(error)
                    }
                }
                return race
            }
        }

        @Test(
            "G1: two commands at one moment both take effect, one after the other, 100 times", .timeLimit(.minutes(2)))
        func bothCommandsTakeEffect() async throws {
            try await withTestStore { store in
                let accounts = store.repository(Account.self)
                for race in 0..<100 {
                    async let first = accounts.execute(.deposit(1), on: "a")
                    async let second = accounts.execute(.deposit(10), on: "a")
                    let versions = [try await first, try await second].compactMap { $0?.version }.sorted()
                    #expect(versions == [Int64(race) * 2 + 1, Int64(race) * 2 + 2])
                }
                let loaded = try await accounts.load("a")
                #expect(loaded.version == 200)
                #expect(loaded.state.balance == 1_100)
                let audit = try await JournalAudit(store.raw)
                #expect(audit.faults.isEmpty, "\(audit.faults)")
            }
        }

        @Test("G1: 16 writers at one aggregate all commit, each at versions of its own", .timeLimit(.minutes(2)))
        func manyWriters() async throws {
            try await withTestStore { store in
                let accounts = store.repository(Account.self)
                let commits = try await withThrowingTaskGroup(of: [Commit].self) { group in
                    for _ in 1...16 {
                        group.addTask {
                            var commits: [Commit] = []
                            for _ in 1...5 {
                                commits.append(try #require(try await accounts.execute(.depositEach([1, 2]), on: "a")))
                            }
                            return commits
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(commits.map(\.versions.lowerBound).sorted() == stride(from: 1, to: 161, by: 2).map(Int64.init))
                #expect(try await accounts.load("a").state == Account(balance: 240, entries: 160))
                let audit = try await JournalAudit(store.raw)
                #expect(audit.faults.isEmpty, "\(audit.faults)")
                #expect(audit.commits.count == 80)
            }
        }
    }
}
