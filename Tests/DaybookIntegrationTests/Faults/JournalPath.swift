@testable import Daybook
import DaybookBSON
import DaybookTesting
import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// The ways into the journal. Each adds events whose amounts tell whose they are.
enum JournalPath: String, CaseIterable, Sendable, CustomTestStringConvertible {
    /// One event with its snapshot, in one `bulkWrite` where the server has it.
    case inline
    /// One event of an aggregate whose snapshot is written after it, in an insert that commits share.
    case shared
    /// The same, of an aggregate that has no snapshot.
    case live
    /// Two events without a snapshot, in a transaction.
    case several
    /// Two aggregates, in a transaction.
    case transaction
    /// Two new aggregates, by a bulk load.
    case bulkLoad
    /// Two new aggregates, by an import.
    case fileImport

    static let inTransactions: [JournalPath] = [.inline, .several, .transaction]
    static let byInserts: [JournalPath] = [.shared, .live, .bulkLoad, .fileImport]

    var testDescription: String { rawValue }

    /// Whether an error says that it may be there or in part, and that the same again completes it.
    var isCompletedByRepetition: Bool { self == .bulkLoad || self == .fileImport }

    /// What it adds with a write of `amount`, in as many events.
    func amounts(_ amount: Int) -> [Int] { self == .inline || self == .shared || self == .live ? [amount] : [amount, -amount] }

    /// A write that may be repeated: with the same command id, or as the same documents.
    func write(_ amount: Int, on key: String, in store: DaybookStore, hasID: Bool = true) throws -> JournalWrite {
        let commandID = hasID ? "c-\(amount)" : nil
        let both = amounts(amount)
        switch self {
        case .inline:
            return JournalWrite(self, amount) {
                try await store.repository(Account.self).execute(.deposit(amount), on: key, commandID: commandID)
            }
        case .shared:
            return JournalWrite(self, amount) {
                try await store.repository(Tally.self).execute(.deposit(amount), on: key, commandID: commandID)
            }
        case .live:
            return JournalWrite(self, amount) {
                try await store.repository(Meter.self).execute(.deposit(amount), on: key, commandID: commandID)
            }
        case .several:
            return JournalWrite(self, amount) {
                try await store.repository(Tally.self).execute(.depositEach(both), on: key, commandID: commandID)
            }
        case .transaction:
            return JournalWrite(self, amount) {
                try await store.transaction { transaction in
                    try await transaction.execute(.deposit(amount), on: key, of: Account.self, commandID: commandID)
                    try await transaction.execute(.deposit(-amount), on: "\(key)-too", of: Account.self, commandID: commandID)
                }
            }
        case .bulkLoad:
            let clock = SimulatedClock(at: Date(timeIntervalSince1970: 1_750_000_000), seed: UInt64(amount))
            let batch = BulkBatch(clock: clock.commitClock)
            return JournalWrite(self, amount) {
                if batch.commits == 0 {
                    for one in both {
                        try await batch.transaction { transaction in
                            try await transaction.execute(
                                .deposit(one), on: "loaded-\(one)", of: Account.self, expecting: nil, commandID: nil,
                                at: clock.now)
                        }
                    }
                }
                let loader = store.bulkLoader()
                try await loader.append(batch)
                try await loader.finish()
            }
        case .fileImport:
            let lines = try both.map { one in
                try TransferFixture.line(
                    try TransferFixture.event(
                        "account/imported-\(one)", 1, type: "deposited", data: ["amount": .int64(Int64(one))]))
            }
            return JournalWrite(self, amount) {
                let file = FileManager.default.temporaryDirectory.appending(path: "daybook-\(UUID().uuidString)")
                defer { try? FileManager.default.removeItem(at: file) }
                try Data(lines.joined(separator: "\n").utf8).write(to: file)
                _ = try await store.importJournal(from: try InputFile(path: file.path)) { _ in }
            }
        }
    }
}

/// One write to the journal, and what the library reported of it.
struct JournalWrite: Sendable {
    enum Report: Sendable, Equatable {
        case committed
        /// It may be there, or come.
        case open
        /// It is not there, and never will be.
        case failed(DaybookError.Code)
    }

    let path: JournalPath
    let amount: Int
    private let body: @Sendable () async throws -> Void

    init(_ path: JournalPath, _ amount: Int, _ body: @escaping @Sendable () async throws -> Void) {
        (self.path, self.amount, self.body) = (path, amount, body)
    }

    func run() async throws -> Report {
        switch try await daybookError(body)?.code {
        case nil: .committed
        case .outcomeUnknown: .open
        case _? where path.isCompletedByRepetition: .open
        case let code?: .failed(code)
        }
    }
}

/// Checks that what was written is in the journal as often as its report says: once, not at all, or at most once. The journal has no gap and no
/// part of a commit.
func expectAgreement(
    _ reports: [(write: JournalWrite, report: JournalWrite.Report)], _ fixture: DriverFixture, _ when: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let found = Dictionary(grouping: try await fixture.journal()) { $0.amount ?? 0 }.mapValues(\.count)
    for (write, report) in reports {
        for amount in write.path.amounts(write.amount) {
            let count = found[Int64(amount), default: 0]
            let agrees =
                switch report {
                case .committed: count == 1
                case .open: count <= 1
                case .failed: count == 0
                }
            #expect(
                agrees, "\(when) \(write.path) of \(amount): \(report), and the journal has it \(count) times",
                sourceLocation: sourceLocation)
        }
    }
}
