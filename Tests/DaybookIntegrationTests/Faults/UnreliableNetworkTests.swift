import Daybook
import DaybookMongo
import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// Many writers at once on a network that loses whatever it likes: every report of the library is compared with the
/// journal.
@Suite("An unreliable network", .serialized, .timeLimit(.minutes(2)))
struct UnreliableNetworkTests {
    private enum Report: Sendable {
        case committed(Commit?)
        case failed(DaybookError.Code)
    }

    @Test(
        "on an unreliable network, what was reported committed is stored once, and what was reported failed is not",
        arguments: [(seed: UInt64(1), isOlderServer: true), (2, false)])
    func writers(seed: UInt64, isOlderServer: Bool) async throws {
        try await withFaultyStore(
            ["socketTimeoutMS=2000", "maxPoolSize=12"], commitTimeout: .seconds(20), isOlderServer: isOlderServer
        ) { store, proxy, fixture in
            let weather = Task {
                var generator = SeededGenerator(seed: seed)
                // One fault after the other: after each the driver needs a second to trust the server again.
                for number in 1...8 {
                    let writes = isOlderServer ? ["insert", "update"] : ["bulkWrite", "bulkWrite"]
                    let commands = ["find", "commitTransaction", "commitTransaction"] + writes
                    let command = commands[Int.random(in: 0..<commands.count, using: &generator)]
                    proxy.fail(
                        command, Bool.random(using: &generator) ? .dropReply : .dropRequest,
                        skip: Int.random(in: 0..<10, using: &generator))
                    await eventually("the fault has happened") { proxy.faults >= number || Task.isCancelled }
                    if Task.isCancelled { return }
                }
            }
            // Every amount is given once in all, so that an event tells whose it is.
            let reports = await withTaskGroup(of: [(Int64, Report)].self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        var reports: [(Int64, Report)] = []
                        for number in 0..<12 {
                            let amount = 1_000 * (writer + 1) + number
                            reports.append((Int64(amount), await Self.deposit(amount, writer, number, in: store)))
                        }
                        return reports
                    }
                }
                return await group.reduce(into: [Int64: Report]()) { all, some in
                    for (amount, report) in some { all[amount] = report }
                }
            }
            weather.cancel()
            await weather.value
            #expect(proxy.faults > 3)
            proxy.heal()
            try await fixture.endSessions(of: proxy)

            let journal = try await fixture.journal()
            let found = Dictionary(grouping: journal.filter { ($0.amount ?? 0) >= 1_000 }) { $0.amount ?? 0 }
            for (amount, report) in reports {
                let events = found[amount] ?? []
                #expect(events.count <= 1, "\(amount) was written twice")
                switch report {
                case .committed(let commit):
                    #expect(events.count == 1, "\(amount) was reported and is not there")
                    if let commit, let event = events.first {
                        #expect(commit.id == event.commitID)
                        #expect(commit.version == event.version)
                    }
                case .failed(.outcomeUnknown): break
                case .failed(let code):
                    #expect(events.isEmpty, "\(amount) was reported as \(code) and is there")
                }
            }
            let committed = reports.values.count { if case .committed = $0 { true } else { false } }
            #expect(committed > reports.count / 2)
            // What is stored is what the events say.
            for key in ["a", "b", "c"] {
                let amounts = journal.filter { $0.aggregateID == "account/\(key)" }.compactMap(\.amount)
                try await expectDeposits(amounts, on: key, fixture)
            }
        }
    }

    private static func deposit(_ amount: Int, _ writer: Int, _ number: Int, in store: DaybookStore) async -> Report {
        let key = ["a", "b", "c"][(writer + number) % 3]
        do {
            if number % 3 == 2 {
                try await store.transaction { transaction in
                    _ = try await transaction.execute(.deposit(amount), on: key, of: Account.self)
                }
                return .committed(nil)
            }
            return .committed(
                try await store.repository(Account.self).execute(
                    .deposit(amount), on: key, commandID: number == 0 ? "c-\(amount)" : nil))
        } catch let error as DaybookError {
            return .failed(error.code)
        } catch {
            Issue.record(error)
            return .failed(.server)
        }
    }
}
