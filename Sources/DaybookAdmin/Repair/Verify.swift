internal import ArgumentParser
internal import Daybook
internal import DaybookOperations

/// `verify`: compares snapshots with the journal.
struct Verify<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "verify",
            abstract: "Compare every snapshot with what the journal says, and change nothing.",
            discussion: """
                It can run beside live traffic: each finding was seen twice, and a commit that lands meanwhile is \
                none. Findings: missing, stale, outdated, diverged, ahead and orphan, which patch puts right; gap, \
                unreadable and torn, where the journal itself is damaged. torn is a commit of which a part is missing; \
                it is reported with the aggregate that has the commit's first event, and where that event is missing \
                with each that has a part.

                Exit codes: 0 nothing found, 1 findings, 2 it could not be done: also where the database has no \
                journal, or there is nothing of an id that was asked for.
                """)
    }

    @OptionGroup var scope: ScopeOptions

    @Flag(
        help: """
            Compare versions and digests, and fold nothing: faster, and blind to what was forged or cannot be decoded, \
            and to torn commits.
            """)
    var quick = false

    @OptionGroup var commits: CommitOptions

    @OptionGroup(title: "Store") var store: StoreOptions

    func validate() throws { try scope.requireKnown(to: Application.self) }

    func run() async throws {
        let report = try await scope.withStore(store, of: Application.self) { daybook in
            try await ReconcileDisplay(isQuiet: store.quiet).show(
                interrupted: "stopped; verify keeps nothing to go on with"
            ) {
                try await daybook.verify(
                    commits.applied(to: scope.options), depth: quick ? .quick : .full, progress: $0)
            }
        }
        try await report.print(isRepair: false, json: scope.json)
        try report.requireAllThere()
        if !report.isClean { throw ExitCode.findings }
    }
}
