@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// A journal of everything that a journal can hold, and a file of its export.
struct TransferFixture {
    let store: DaybookStore
    let directory: URL

    /// Runs `body` with a store as an operator has it, one that knows its aggregates, on a database of its own.
    static func run<R: Sendable>(
        knowing aggregates: [any Aggregate.Type] = testAggregates, _ body: (TransferFixture) async throws -> R
    ) async throws -> R {
        try await withTestStore(for: testAggregates, as: .operator) { theirs in
            let directory = FileManager.default.temporaryDirectory.appending(path: "daybook-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: directory) }
            var configuration = theirs.configuration
            configuration.allowedHeaders = ["x-request"]
            return try await withDaybook(configuration, aggregates: aggregates) { store in
                try await body(TransferFixture(store: store, directory: directory))
            }
        }
    }

    /// Commits of every kind, a correction, and events of a type that nobody knows.
    func fill() async throws {
        let context = CommandContext(
            correlationID: "co", causationID: "ca", actor: "é\u{10FFFF}", headers: ["X-Request": "1"])
        let accounts = store.repository(Account.self)
        for key in ["a", "a/b", "é", "z", "😀", "\u{E000}", "A b"] {
            try await accounts.execute(.depositEach([1, 2, 3]), on: key, commandID: "c-1", context: context)
        }
        try await store.transaction(context: context) { transaction in
            try await transaction.execute(.deposit(5), on: "a", of: Account.self, commandID: "c-2")
            try await transaction.execute(.deposit(6), on: "t", of: Tally.self, commandID: "c-2")
        }
        try await accounts.correct("a", patch: ["balance": 7], reason: "counted", actor: "clerk")
        try await store.repository(Notebook.self).execute(.write(String(repeating: "é", count: 1 << 19)), on: "n")
        try await store.repository(Meter.self).execute(.deposit(1), on: "m")
        await store.poster.drain()
        var random = RandomBSON(seed: 11)
        var data: [BSONDocument] = [
            [:], ["id": ["$oid": "x"]], ["$bson": .binary(BSONBinary(bytes: [1]))], ["": ["": 1], "a.b": 1],
        ]
        for type in BSONType.allCases {
            data.append(
                try (0..<4).reduce(into: BSONDocument()) { document, index in
                    try document.append("\(type)\(index)", try random.value(type, depth: 3))
                })
        }
        for _ in 0..<20 { data.append(try random.document()) }
        var version: Int64 = 0
        for data in data {
            do {
                try await store.raw.insert([try Self.event("relic/1", version + 1, data: data)], into: "journal")
                version += 1
            } catch let error as MongoError where error.serverCode == 2 {
                // The local server refuses values that MongoDB stores, some of the deprecated types among them.
            }
        }
        #expect(version > 20, "most of the values are stored")
    }

    static func event(
        _ aggregateID: String, _ version: Int64, type: String = "found", data: BSONDocument = ["n": 1], id: UUID? = nil,
        commandID: String? = nil
    ) throws -> BSONDocument {
        let id =
            id ?? EventID(milliseconds: 1_700_000_000_000 + UInt64(version)) { UInt64.random(in: .min ... .max) }.uuid
        return try JournalEvent(
            id: id, aggregateID: aggregateID, version: version, type: type, schema: 1,
            recordedAt: BSONDate(milliseconds: 1_700_000_000_000 + version), commit: .init(id: id, index: 0, count: 1),
            metadata: EventMetadata(commandID: commandID)
        ).document(data: data)
    }

    /// As its export reads.
    static func line(_ document: BSONDocument) throws -> String { try ExportLine.text(of: document).text }

    func export(types: [AggregateType] = []) async throws -> (report: ExportReport, text: [UInt8]) {
        var text: [UInt8] = []
        let report = try await store.exportJournal(types: types) { text += $0 }
        return (report, text)
    }

    func file(_ text: [UInt8]) throws -> URL {
        let file = directory.appending(path: UUID().uuidString)
        try Data(text).write(to: file)
        return file
    }

    /// Imports lines; the aggregates whose snapshots were asked for are noted.
    @discardableResult
    func `import`(_ text: [UInt8], isDryRun: Bool = false, rebuilding: Recorder<ImportedAggregates> = Recorder())
        async throws
        -> ImportReport
    {
        try await store.importJournal(from: try InputFile(path: file(text).path), isDryRun: isDryRun) {
            rebuilding.record($0)
        }
    }

    @discardableResult
    func `import`(_ lines: [String], isDryRun: Bool = false) async throws -> ImportReport {
        try await `import`(Array(lines.joined(separator: "\n").utf8), isDryRun: isDryRun)
    }

    /// In the order of aggregate and version.
    func journal() async throws -> [BSONDocument] {
        try await store.raw.documents(in: "journal").sorted {
            let (left, right) = ($0.string(at: "aggregateId") ?? "", $1.string(at: "aggregateId") ?? "")
            if left.utf8.elementsEqual(right.utf8) {
                return ($0.integer(at: "version") ?? 0) < ($1.integer(at: "version") ?? 0)
            }
            return left.utf8.lexicographicallyPrecedes(right.utf8)
        }
    }
}
