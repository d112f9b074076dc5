package import Daybook
internal import DaybookBSON
internal import DaybookOperations
internal import DaybookTesting
internal import Foundation
internal import SampleAggregates

/// The ways into the journal. Each adds events whose amounts tell whose they are.
package enum JournalPath: String, CaseIterable, Sendable, CustomStringConvertible {
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

    package static let inTransactions: [JournalPath] = [.inline, .several, .transaction]
    package static let byInserts: [JournalPath] = [.shared, .live, .bulkLoad, .fileImport]

    package var description: String { rawValue }

    /// Whether an error says that it may be there or in part, and that the same again completes it.
    package var isCompletedByRepetition: Bool { self == .bulkLoad || self == .fileImport }

    /// What it adds with a write of `amount`, in as many events.
    package func amounts(_ amount: Int) -> [Int] {
        self == .inline || self == .shared || self == .live ? [amount] : [amount, -amount]
    }

    /// A write that may be repeated: with the same command id, or as the same documents.
    package func write(_ amount: Int, on key: String, in store: DaybookStore, hasID: Bool = true) throws -> JournalWrite
    {
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
                    try await transaction.execute(
                        .deposit(-amount), on: "\(key)-too", of: Account.self, commandID: commandID)
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
                try Self.event("account/imported-\(one)", type: "deposited", data: ["amount": .int64(Int64(one))])
                    .extendedJSON(.canonical)
            }
            return JournalWrite(self, amount) {
                let file = FileManager.default.temporaryDirectory.appending(path: "daybook-\(UUID().uuidString)")
                defer { try? FileManager.default.removeItem(at: file) }
                try Data(lines.joined(separator: "\n").utf8).write(to: file)
                _ = try await store.importJournal(from: try InputFile(path: file.path)) { _ in }
            }
        }
    }

    /// The first event of an aggregate, as a writer would have stored it.
    private static func event(_ aggregateID: String, type: String, data: BSONDocument) throws -> BSONDocument {
        let date = Date(timeIntervalSince1970: 1_700_000_000.001)
        let id = EventID(milliseconds: EventID.milliseconds(at: date)) { .random(in: .min ... .max) }.uuid
        return [
            "_id": .binary(BSONBinary(id)), "aggregateId": .string(aggregateID), "version": .int64(1),
            "type": .string(type),
            "schema": .int32(1), "data": .document(data), "recordedAt": .datetime(try BSONDate(date)),
            "commit": ["id": .binary(BSONBinary(id)), "index": .int32(0), "count": .int32(1)], "meta": [:],
        ]
    }
}
