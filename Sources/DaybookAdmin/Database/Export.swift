internal import ArgumentParser
internal import Daybook
internal import DaybookOperations

/// `export`: the journal as lines of extended JSON.
struct Export<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "export",
            abstract: "Write the journal as lines of canonical extended JSON, one event each, for import to read.",
            discussion: """
                In the order of aggregate and version, and exact to the byte: ids, versions, dates, metadata. An event \
                that extended JSON would not give back as the same bytes is written as { "$bson": its bytes }. Memory \
                is constant.

                Commits may go on meanwhile. Of one that changes several aggregates the export may then have a part; \
                another export, imported after it, completes that.

                A damaged journal is written as it is; what import will refuse of it is counted, and the exit code is 1.
                """)
    }

    @OptionGroup var types: TypeOptions

    @Option(
        help: ArgumentHelp(
            "Write to this file, which is there when it is whole. (default: the standard output)", valueName: "file"))
    var out: String?

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let report = try await options.withStore(of: Application.self) { try await export(from: $0) }
        for type in report.emptyTypes { note("there is no event of the type \"\(type)\"") }
        if report.faults > 0 {
            StandardError.line(
                "the journal is damaged: import will refuse "
                    + "\(report.faults == 1 ? "a line" : "\(report.faults) lines") of this, the first at "
                    + "\(report.firstFault ?? "an unknown place"). Run verify to see what is wrong.")
        }
        note("\(report.events) events of \(report.aggregates) aggregates, \(report.bytes) bytes")
        if report.faults > 0 { throw ExitCode.findings }
    }

    private func export(from store: DaybookStore) async throws -> ExportReport {
        let display = ProgressDisplay("events", isQuiet: options.quiet)
        defer { display.finish() }
        let progress: @Sendable (ExportProgress) -> Void = { display.update($0.events, of: $0.totalEvents) }
        if let out {
            let file = try OutputFile(path: out)
            let report = try await store.exportJournal(types: types.types, progress: progress) { try file.write($0) }
            try file.finish()
            return report
        }
        return try await StandardOutput.write { output in
            try await store.exportJournal(types: types.types, progress: progress) { lines in
                try output.line(String(decoding: lines.dropLast(), as: UTF8.self))
            }
        }
    }

    private func note(_ text: String) {
        if !options.quiet { StandardError.line(text) }
    }
}
