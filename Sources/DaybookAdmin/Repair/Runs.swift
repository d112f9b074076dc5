internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookOperations
internal import Foundation

/// `runs`: past and unfinished repairs and rebuilds.
struct Runs<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "runs",
            abstract:
                "Print the last repairs, rebuilds and drops, the newest first, and those that did not come to their end.",
            discussion: """
                Of a projection, CHECKED and WRITTEN are documents, and EVENTS are those that its documents are made of; \
                its work has no RANGES.

                A rebuild that is interrupted, failed, or running without a process goes on when the same program is \
                started again with the same command within an hour.
                """)
    }

    @Option(
        name: [.customShort("n", allowingJoined: true), .long], parsing: .unconditional,
        help: ArgumentHelp("How many of the last.", valueName: "number"))
    var limit = 20

    @Flag(help: "Print one object a line.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func validate() throws { if limit < 1 { throw ValidationError("--limit is at least 1.") } }

    func run() async throws {
        let runs = try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "runs")
            return try await store.runs(limit: limit)
        }
        try await StandardOutput.write { output in
            if json {
                for run in runs { try output.json(run.document) }
                return
            }
            guard !runs.isEmpty else { return try output.line("no repair and no rebuild has run here") }
            let rows = runs.map { run in
                [
                    run.startedAt.rfc3339, run.kind.rawValue + (run.isSwap ? " --swap" : ""),
                    (run.ids.isEmpty ? run.types : run.ids).prefix(3).joined(separator: " "), run.status.rawValue,
                    run.status == .done ? "" : run.completion.map { "\(Int(($0 * 100).rounded(.down))) %" } ?? "",
                    "\(run.checked)",
                    "\(run.events)",
                    "\(run.written)", run.note,
                ].map(Text.plain)
            }
            let heading = ["started", "kind", "of", "status", "ranges", "checked", "events", "written", ""]
            for line in Text.table([heading] + rows, numbers: [4, 5, 6, 7]) { try output.line(line) }
        }
    }
}

extension MaintenanceRun {
    fileprivate var document: BSONDocument {
        get throws {
            var counts = BSONDocument()
            for kind in Finding.Kind.allCases {
                if let count = self.counts[kind] { try counts.append(kind.rawValue, .int64(Int64(count))) }
            }
            // Those of a projection are others.
            for (name, count) in countsByName.sorted(by: { $0.key < $1.key }) where counts[name] == nil {
                try counts.append(name, .int64(Int64(count)))
            }
            var document: BSONDocument = [
                "run": .string(id.uuidString.lowercased()), "kind": .string(kind.rawValue), "swap": .bool(isSwap),
                "types": .texts(types), "ids": .texts(ids),
                "status": .string(status.rawValue),
            ]
            try document.append("completion", ifPresent: completion.map { .double($0) })
            try document.append("holder", .string(holder))
            try document.append("startedAt", .datetime(BSONDate(startedAt)))
            try document.append("updatedAt", .datetime(BSONDate(updatedAt)))
            if let endedAt { try document.append("endedAt", .datetime(BSONDate(endedAt))) }
            for (key, value) in [("checked", checked), ("events", events), ("written", written)] {
                try document.append(key, .int64(Int64(value)))
            }
            try document.append("counts", .document(counts))
            try document.append("reason", ifPresent: reason.map { .string($0) })
            try document.append("by", ifPresent: by.map { .string($0) })
            try document.append("why", ifPresent: why.map { .string($0) })
            return document
        }
    }

    /// How it ended or who works at it, and who wanted it.
    fileprivate var note: String {
        let cause = why.map { $0.isEmpty ? "" : ": \($0)" } ?? ""
        let parts = [reason ?? (status == .running ? holder : nil), by.map { "by \($0)\(cause)" }]
        return parts.compactMap(\.self).joined(separator: "; ")
    }
}
