internal import ArgumentParser
internal import Daybook
internal import DaybookOperations

/// `rebuild`: makes all snapshots again.
struct Rebuild<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "rebuild",
            abstract: "Make every snapshot anew from the journal; one that was stopped or killed goes on where it was.",
            discussion: """
                In place, a snapshot that is right to the byte is left as it is, and every other one is replaced. With \
                --swap a complete collection is built beside the one in use, follows the journal until it has \
                everything, and takes its place at once: readers see the old one or the new one, and writers go on. \
                For a moment after that a query may miss what was committed just before. Damaged aggregates are \
                reported, and their snapshots left. A swap is refused on a sharded cluster, and where a newer program \
                keeps the snapshots.

                A run that was stopped or killed is resumed by the same command and the same program within an hour; \
                else all is begun anew.

                Exit codes: 0 done, 1 something was left, 2 it could not be done, 130 interrupted.
                """)
    }

    @OptionGroup var scope: ScopeOptions

    @Flag(help: "Build a new collection, and put it in the place of the old one.")
    var swap = false

    @Flag(help: "Begin anew, where an earlier run did not come to its end.")
    var restart = false

    @OptionGroup var write: WriteOptions
    @OptionGroup(title: "Store") var store: StoreOptions

    func validate() throws {
        try scope.requireKnown(to: Application.self)
        if swap, !scope.ids.isEmpty {
            throw ValidationError("--swap replaces a whole collection, so it goes with --type, and not with --id.")
        }
    }

    func run() async throws {
        var options = scope.options
        write.apply(to: &options)
        let report = try await scope.withStore(store, of: Application.self) { daybook in
            try await ReconcileDisplay(isQuiet: store.quiet).show(
                interrupted:
                    "stopped; how far it came is saved. Start the same command again to go on, with --restart to "
                    + "begin anew"
            ) {
                try await daybook.rebuild(options, swap: swap, restart: restart, progress: $0)
            }
        }
        try await report.print(isRepair: true, isDryRun: write.dryRun, json: scope.json)
        try report.requireAllThere()
        if report.unrepaired > 0 { throw ExitCode.findings }
    }
}
