internal import ArgumentParser
internal import Daybook
internal import DaybookOperations

/// `verify` of the `daybook` executable: compares what can be compared without an aggregate's code.
struct VerifyEnvelopes<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "verify",
            abstract:
                "Check the journal's structure, and whether each snapshot is at its head and fits its own digest.",
            discussion: """
                Without the application's code no event is folded: what an event's content is, and whether a state \
                follows from it, only the application's own verify can tell. Snapshots are looked for in \
                snapshots.TYPE.

                Exit codes: 0 nothing found, 1 findings, 2 it could not be done: also where the database has no \
                journal, or there is nothing of an id that was asked for.
                """)
    }

    @OptionGroup var scope: ScopeOptions
    @OptionGroup var commits: CommitOptions
    @OptionGroup(title: "Store") var store: StoreOptions

    func run() async throws {
        let report = try await scope.withStore(store, of: Application.self) { daybook in
            try await ReconcileDisplay(isQuiet: store.quiet).show(
                interrupted: "stopped; verify keeps nothing to go on with"
            ) {
                try await daybook.verifyEnvelopes(commits.applied(to: scope.options), progress: $0)
            }
        }
        try await report.print(isRepair: false, json: scope.json)
        try report.requireAllThere()
        if !report.isClean { throw ExitCode.findings }
    }
}
