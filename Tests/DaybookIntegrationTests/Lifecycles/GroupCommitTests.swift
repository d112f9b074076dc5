@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

@Suite("Group commit", .timeLimit(.minutes(2)))
struct GroupCommitTests {
    private enum Told: Sendable, Equatable {
        case committed(UUID)
        case conflict
    }

    @Test("G1: a third of 64 tasks conflict, and each task's outcome is what the journal has")
    func truths() async throws {
        try await withTestStore { store in
            let tallies = store.repository(Tally.self)
            // Two of every three tasks meet on one account, so one of every three loses; every amount is given once.
            let told = try await withThrowingTaskGroup(of: (Int64, Told).self) { group in
                for task in 0..<64 {
                    group.addTask {
                        let key = task % 3 == 2 ? "alone-\(task)" : "shared-\(task / 3)"
                        do {
                            let commit = try await tallies.append(
                                [.deposited(amount: 1_000 + task)], to: key, expecting: 0)
                            return (Int64(1_000 + task), .committed(try #require(commit).id))
                        } catch let error as DaybookError {
                            #expect(error.code == .conflict)
                            #expect(error.version == 1)
                            #expect(error.aggregateID == "tally/\(key)")
                            return (Int64(1_000 + task), .conflict)
                        }
                    }
                }
                return try await group.reduce(into: [Int64: Told]()) { $0[$1.0] = $1.1 }
            }
            let events = try await store.raw.documents(in: "journal")
            for (amount, told) in told {
                let own = events.filter { $0.integer(at: "data.amount") == amount }
                switch told {
                case .committed(let id): #expect(own.map { $0["_id"] } == [.binary(BSONBinary(id))])
                case .conflict: #expect(own.isEmpty, "\(amount) was told that it lost")
                }
            }
            #expect(told.values.count { $0 == .conflict } == 21)
            await store.poster.drain()
            let audit = try await JournalAudit(store.raw, of: "tally")
            #expect(audit.faults.isEmpty, "\(audit.faults)")
        }
    }

    @Test("G3: one of several tasks with the same command id takes effect, and all receive its commit")
    func commandIDs() async throws {
        try await withTestStore { store in
            let tallies = store.repository(Tally.self)
            let commits = try await withThrowingTaskGroup(of: (String, Commit?).self) { group in
                for task in 0..<64 {
                    group.addTask {
                        let name = "c-\(task % 8)"
                        // Four commands on each of two accounts, each by eight tasks.
                        return (
                            name, try await tallies.execute(.deposit(task % 8), on: "k-\(task % 2)", commandID: name)
                        )
                    }
                }
                return try await group.reduce(into: [String: Set<Commit?>]()) { $0[$1.0, default: []].insert($1.1) }
            }
            #expect(commits.count == 8)
            for (name, commits) in commits {
                #expect(commits.count == 1, "\(name) has several commits")
                #expect(commits.first != .some(nil))
            }
            await store.poster.drain()
            let audit = try await JournalAudit(store.raw, of: "tally")
            #expect(audit.faults.isEmpty, "\(audit.faults)")
            #expect(audit.eventCount == 8)
        }
    }

    @Test("G12: members that the server refuses, or that are too large, do not harm the others of their batch")
    func refusedMembers() async throws {
        try await withTestStore { store in
            try await store.prepare(for: Diary.self)
            let (tallies, diaries) = (store.repository(Tally.self), store.repository(Diary.self))
            try await tallies.execute(.deposit(1), on: "warm")
            _ = try await store.raw.write([
                "collMod": "journal", "validator": ["data.amount": ["$ne": 666]],
            ])
            let large = String(repeating: "x", count: 16 * 1024 * 1024)
            let failures = Recorder<DaybookError.Code>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<40 {
                    group.addTask {
                        do {
                            switch task % 5 {
                            case 0: try await tallies.execute(.deposit(666), on: "refused-\(task)")
                            case 1 where task < 10: try await diaries.execute(.write(large), on: "large-\(task)")
                            default: try await tallies.execute(.deposit(1), on: "good-\(task)")
                            }
                        } catch let error as DaybookError {
                            failures.record(error.code)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(failures.all.count { $0 == .server } == 8)
            #expect(failures.all.count { $0 == .tooLarge } == 2)
            #expect(failures.all.count == 10)
            let events = try await store.raw.documents(in: "journal")
            #expect(events.count == 31)
            #expect(
                events.allSatisfy {
                    $0.string(at: "aggregateId")?.contains("/good-") == true || $0.integer(at: "version") == 1
                })
        }
    }

    @Test("documents near the limit travel too, each alone")
    func largeMembers() async throws {
        try await withTestStore { store in
            try await store.prepare(for: Diary.self)
            let diaries = store.repository(Diary.self)
            let large = String(repeating: "x", count: 7 * 1024 * 1024)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<4 { group.addTask { try await diaries.execute(.write(large), on: "\(task)") } }
                try await group.waitForAll()
            }
            for task in 0..<4 {
                #expect(try await diaries.load("\(task)").state.text.utf8.count == large.utf8.count)
                try await diaries.waitForSnapshot("\(task)", version: 1)
            }
        }
    }
}
