import Daybook
import DaybookBSON
import IntegrationSupport
import Testing

/// The audit is what other tests rely on, so it must find what it looks for.
@Suite struct AuditTests {
    enum Damage: CaseIterable, Sendable {
        case eventMissing, commitCutShort, versionMissing, snapshotMissing, snapshotBehind, stateWrong, orphan,
            commandTwice
    }

    @Test("the audit finds each kind of damage", arguments: Damage.allCases)
    func finds(_ damage: Damage) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.depositEach([1, 2, 3]), on: "a", commandID: "c-1")
            try await accounts.execute(.depositEach([4, 5, 6]), on: "a", commandID: "c-2")
            #expect(try await JournalAudit(store.raw).faults.isEmpty)

            let raw = store.raw
            func event(_ version: Int64) -> BSONDocument { ["aggregateId": "account/a", "version": .int64(version)] }
            switch damage {
            case .eventMissing: try await raw.delete(event(2), from: "journal")
            case .commitCutShort: try await raw.delete(event(6), from: "journal")
            case .versionMissing: try await raw.update(event(6), with: ["$set": ["version": 7]], in: "journal")
            case .snapshotMissing: try await raw.delete(["_id": "account/a"], from: "snapshots.account")
            case .snapshotBehind:
                try await raw.update(["_id": "account/a"], with: ["$set": ["version": 5]], in: "snapshots.account")
            case .stateWrong:
                try await raw.update(
                    ["_id": "account/a"], with: ["$set": ["state.balance": 22]], in: "snapshots.account")
            case .orphan: try await raw.insert([["_id": "account/b", "version": 1]], into: "snapshots.account")
            case .commandTwice:
                _ = try await raw.write(["dropIndexes": "journal", "index": "aggregateId_commandId"])
                try await raw.update(event(4), with: ["$set": ["meta.commandId": "c-1"]], in: "journal")
            }
            #expect(try await !JournalAudit(raw).faults.isEmpty)
        }
    }
}
