internal import ArgumentParser
internal import Daybook

/// `verify`: compares snapshots with the journal.
struct Verify<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "verify",
            abstract: "Compare every snapshot with what the journal says, and change nothing.",
            discussion: """
                It can run beside live traffic: each finding was seen twice, and a commit that lands meanwhile is none. Findings: missing, stale, \
                outdated, diverged, ahead and orphan, which patch puts right; gap, unreadable and torn, where the journal itself is damaged. torn is a \
                commit of which a part is missing; it is reported with the aggregate that has the commit's first event, and where that event is \
                missing with each that has a part.

                Exit codes: 0 nothing found, 1 findings, 2 it could not be done: also where the database has no journal, or there is nothing of an id \
                that was asked for.
                """)
    }

    @OptionGroup var scope: ScopeOptions

    @Flag(
        help: """
            Compare versions and digests, and fold nothing: faster, and blind to what was forged or cannot be decoded, and to torn commits.
            """)
    var quick = false

    @OptionGroup var commits: CommitOptions

    @OptionGroup(title: "Store") var store: StoreOptions

    func validate() throws { try scope.requireKnown(to: Application.self) }

    func run() async throws {
        let report = try await scope.withStore(store, of: Application.self) { daybook in
            try await ReconcileDisplay(isQuiet: store.quiet).show(interrupted: "stopped; verify keeps nothing to go on with") {
                try await daybook.verify(commits.applied(to: scope.options), depth: quick ? .quick : .full, progress: $0)
            }
        }
        try await report.print(isRepair: false, json: scope.json)
        try report.requireAllThere()
        if !report.isClean { throw ExitCode.findings }
    }
}

/// `verify` of the `daybook` executable: compares what can be compared without an aggregate's code.
struct VerifyEnvelopes<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "verify",
            abstract: "Check the journal's structure, and whether each snapshot is at its head and fits its own digest.",
            discussion: """
                Without the application's code no event is folded: what an event's content is, and whether a state follows from it, only the \
                application's own verify can tell. Snapshots are looked for in snapshots.TYPE.

                Exit codes: 0 nothing found, 1 findings, 2 it could not be done: also where the database has no journal, or there is nothing of an id \
                that was asked for.
                """)
    }

    @OptionGroup var scope: ScopeOptions
    @OptionGroup var commits: CommitOptions
    @OptionGroup(title: "Store") var store: StoreOptions

    func run() async throws {
        let report = try await scope.withStore(store, of: Application.self) { daybook in
            try await ReconcileDisplay(isQuiet: store.quiet).show(interrupted: "stopped; verify keeps nothing to go on with") {
                try await daybook.verifyEnvelopes(commits.applied(to: scope.options), progress: $0)
            }
        }
        try await report.print(isRepair: false, json: scope.json)
        try report.requireAllThere()
        if !report.isClean { throw ExitCode.findings }
    }
}

/// Whether commits are looked at.
struct CommitOptions: ParsableArguments {
    @Flag(
        help: """
            Do not look for torn commits: for a journal into which only some types of another were imported.
            """)
    var partialJournal = false

    func applied(to options: ReconcileOptions) -> ReconcileOptions {
        var options = options
        options.checksCommits = !partialJournal
        return options
    }
}

extension ReconcileReport {
    func print(isRepair: Bool, isDryRun: Bool = false, json: Bool) async throws {
        let printing = ReportPrinting(report: self, isRepair: isRepair, isDryRun: isDryRun)
        try await StandardOutput.write { output in
            if json { try output.json(printing.document) } else { try printing.print(to: output) }
        }
    }

    /// An id of which there is nothing is mistyped, mostly: all else is done and printed by now, and the command has failed.
    func requireAllThere() throws {
        guard let first = absentIDs.first else { return }
        let more = absentIDs.count > 1 ? " (nor of \(absentIDs.count - 1) more)" : ""
        throw CommandFailure("there is neither an event nor a snapshot of \(Text.plain(first))\(more): is that its id?")
    }
}
