internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookOperations
internal import Foundation

/// `stats`: the numbers and sizes of documents.
struct Stats<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "stats",
            abstract: "Print how much the database holds: events, aggregates and snapshots of each type, and sizes.",
            discussion: """
                Counted on indexes, and by the server's own figures; no document is read. Sizes need the privilege \
                collStats, and are left out without it.
                """)
    }

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        try await options.withStore(of: Application.self) { store in
            let statistics = try await store.statistics()
            try await StandardOutput.write { output in
                if json { return try output.json(Self.document(statistics, database: store.database)) }
                for line in Self.lines(statistics, database: store.database) { try output.line(line) }
            }
        }
    }

    // MARK: Text

    private static func lines(_ statistics: DatabaseStatistics, database: String) -> [String] {
        let journal = statistics.journal
        var lines = ["database  \(database)", "journal   \(journal.documents) events"]
        if let size = journal.size {
            lines[1] +=
                ", \(Text.bytes(size.documents)), \(Text.bytes(average(journal) ?? 0)) on average, "
                + "\(Text.bytes(size.storage)) on disk"
            lines.append(
                "indexes   " + size.indexes.map { "\($0.name) \(Text.bytes($0.bytes))" }.joined(separator: ", "))
        }
        guard !statistics.types.isEmpty else { return lines }
        let heading = [
            "TYPE", "LIFECYCLE", "AGGREGATES", "EVENTS", "SNAPSHOTS", "NO SNAPSHOT", "BYTES", "AVERAGE", "PROJECTED",
        ]
        return lines + [""] + Text.table([heading] + statistics.types.map(row), numbers: Set(2...7))
    }

    private static func row(_ type: DatabaseStatistics.Aggregates) -> [String] {
        let snapshots = type.snapshots
        return [
            type.type.rawValue, type.lifecycle?.rawValue ?? "-", "\(type.aggregates)", "\(type.events)",
            shown(snapshots?.documents), shown(type.withoutSnapshot), shown(snapshots?.size?.documents, Text.bytes),
            shown(snapshots.flatMap(average), Text.bytes), type.projectedAt?.rfc3339 ?? "-",
        ]
    }

    private static func shown(_ count: Int64?, _ text: (Int64) -> String = { "\($0)" }) -> String {
        count.map(text) ?? "-"
    }

    /// The average size of a document; nil without documents or sizes.
    private static func average(_ collection: DatabaseStatistics.Collection) -> Int64? {
        guard let size = collection.size, collection.documents > 0 else { return nil }
        return size.documents / collection.documents
    }

    // MARK: JSON

    private static func document(_ statistics: DatabaseStatistics, database: String) throws -> BSONDocument {
        let types = try statistics.types.map { type in
            var document: BSONDocument = ["type": .string(type.type.rawValue)]
            try document.append("lifecycle", ifPresent: type.lifecycle.map { .string($0.rawValue) })
            try document.append("aggregates", .int64(type.aggregates))
            try document.append("events", .int64(type.events))
            if let snapshots = type.snapshots {
                try document.append("snapshots", .document(try self.document(snapshots, counted: "count")))
            }
            try document.append("withoutSnapshot", ifPresent: type.withoutSnapshot.map { .int64($0) })
            try document.append("projectedAt", ifPresent: type.projectedAt.map { .datetime(try BSONDate($0)) })
            return BSONValue.document(document)
        }
        return [
            "database": .string(database), "journal": .document(try document(statistics.journal, counted: "events")),
            "types": .array(types),
        ]
    }

    private static func document(_ collection: DatabaseStatistics.Collection, counted: String) throws -> BSONDocument {
        var document = BSONDocument()
        try document.append(counted, .int64(collection.documents))
        guard let size = collection.size else { return document }
        try document.append("bytes", .int64(size.documents))
        try document.append("averageBytes", ifPresent: average(collection).map { .int64($0) })
        try document.append("storageBytes", .int64(size.storage))
        try document.append(
            "indexes", .array(size.indexes.map { .document(["name": .string($0.name), "bytes": .int64($0.bytes)]) }))
        return document
    }
}
