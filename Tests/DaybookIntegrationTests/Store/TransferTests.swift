import Daybook
import IntegrationSupport
import Testing

extension HeavyLoad {
    @Suite struct TransferTests {
        @Test("G2: transfers between accounts by 16 tasks at once keep the total", .timeLimit(.minutes(2)))
        func total() async throws {
            try await withTestStore { store in
                let accounts = store.repository(Account.self)
                let keys = (1...5).map { "a-\($0)" }
                for key in keys { try await accounts.execute(.deposit(100), on: key) }
                let (moved, refused) = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                    for _ in 1...16 {
                        group.addTask {
                            var (moved, refused) = (0, 0)
                            for _ in 1...8 {
                                let pair = keys.shuffled()
                                let amount = Int.random(in: 1...60)
                                do {
                                    try await store.transaction { transaction in
                                        try await transaction.execute(.withdraw(amount), on: pair[0], of: Account.self)
                                        try await transaction.execute(.deposit(amount), on: pair[1], of: Account.self)
                                    }
                                    moved += 1
                                } catch is Account.Rejection {
                                    refused += 1
                                }
                            }
                            return (moved, refused)
                        }
                    }
                    return try await group.reduce(into: (0, 0)) { $0 = ($0.0 + $1.0, $0.1 + $1.1) }
                }
                #expect(moved > 0)
                #expect(moved + refused == 128)
                var balances: [Int] = []
                for key in keys { balances.append(try await accounts.load(key).state.balance) }
                #expect(balances.reduce(0, +) == 500)
                #expect(balances.allSatisfy { $0 >= 0 })
                let audit = try await JournalAudit(store.raw)
                #expect(audit.faults.isEmpty, "\(audit.faults)")
                #expect(audit.eventCount == 5 + 2 * moved)
                #expect(audit.commits.count == 5 + moved)
            }
        }
    }
}
