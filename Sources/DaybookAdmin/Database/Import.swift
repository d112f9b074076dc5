internal import ArgumentParser
internal import Daybook
internal import DaybookOperations

/// `import`: writes an export into the journal.
struct Import<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "import",
            abstract: "Put the events of an export into the journal, exact to the byte, and rebuild the snapshots.",
            discussion: """
                It may be interrupted and started again: what is there already, and is the same, is skipped; what \
                differs is an error. Of each aggregate the file must have every version from 1, or from the next one \
                that this journal wants, in order and together. Aggregates may come in any order.

                The first line that is wrong ends it, with its number: what stands before that line is written, \
                nothing after it. The snapshots of what is written are behind the journal then, inline ones too, until \
                the import is started again or rebuild is run. A dry run finds what is wrong without writing, but for \
                an event id that two aggregates in the file have.

                The database must be prepared (init). It takes a user with the role daybookOperator.
                """)
    }

    @Argument(help: ArgumentHelp("What export wrote; - for the standard input.", valueName: "file"))
    var file: String

    @Flag(help: "Check everything, and write nothing.")
    var dryRun = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let input = file == "-" ? InputFile.standardInput : try InputFile(path: file)
        let report = try await options.withStore(of: Application.self) { try await run(input, $0) }
        try await StandardOutput.write { output in
            for line in Self.lines(report) { try output.line(line) }
        }
    }

    private func run(_ input: InputFile, _ store: DaybookStore) async throws -> ImportReport {
        let display = ProgressDisplay(
            input.size == nil ? "lines" : "bytes", of: input.size.map { Int($0) }, isQuiet: options.quiet)
        do {
            return try await store.importJournal(
                from: input, isDryRun: dryRun,
                progress: { display.update($0.totalBytes == nil ? $0.lines : Int($0.bytes)) }
            ) { imported in
                display.finish()
                try await rebuild(imported, in: store)
            }
        } catch {
            display.finish()
            if error is CancellationError {
                StandardError.line(
                    "interrupted; start the same import again, which skips what is there and then rebuilds the "
                        + "snapshots"
                )
            }
            throw error
        }
    }

    /// Rebuilds the snapshots of what was imported.
    private func rebuild(_ imported: ImportedAggregates, in store: DaybookStore) async throws {
        var scope = ReconcileOptions()
        if imported.ids.isEmpty { scope.types = imported.types } else { scope.ids = imported.ids }
        let rebuilding = scope
        let report = try await ReconcileDisplay(isQuiet: options.quiet).show(
            interrupted: "the events are in; their snapshots were not all made: \(Application.name) rebuild makes them"
        ) {
            try await store.rebuild(rebuilding, progress: $0)
        }
        StandardError.line("\(report.written) snapshots were made anew")
    }

    private static func lines(_ report: ImportReport) -> [String] {
        let written = report.isDryRun ? "would be written" : "written"
        var lines = [
            "\(report.events) events \(written), \(report.skippedEvents) were there already; \(report.aggregates) "
                + "aggregates"
        ]
        if !report.unknownTypes.isEmpty {
            let types = report.unknownTypes.map(\.rawValue).joined(separator: ", ")
            lines.append(
                "snapshots of \(types) are not made: \(Application.name) does not know the type; run rebuild of the "
                    + "application that does"
            )
        }
        return lines
    }
}
