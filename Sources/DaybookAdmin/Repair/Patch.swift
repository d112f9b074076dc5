internal import ArgumentParser
internal import Daybook
internal import DaybookOperations

/// `patch`: repairs drifted snapshots.
struct Patch<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "patch",
            abstract: "Put right every snapshot that is not what the journal says, by the smallest change that does.",
            discussion: """
                It can run beside live traffic: each write is made only if the snapshot still is as it was seen. The \
                journal is never changed: gaps and unreadable events are reported and left, and so are the snapshots \
                of a newer program. Begin with --dry-run.

                Exit codes: 0 done, 1 something was left, 2 it could not be done, 130 interrupted.
                """)
    }

    @OptionGroup var scope: ScopeOptions

    @Option(
        help: ArgumentHelp("Only findings of this kind; may be repeated. (default: all)", valueName: "kind"),
        transform: { try Self.kind($0) })
    var only: [Finding.Kind] = []

    @OptionGroup var write: WriteOptions
    @OptionGroup(title: "Store") var store: StoreOptions

    func validate() throws { try scope.requireKnown(to: Application.self) }

    private static func kind(_ text: String) throws -> Finding.Kind {
        let kinds = Finding.Kind.allCases.filter { !$0.isDamage }
        guard let kind = kinds.first(where: { $0.rawValue == text }) else {
            throw ValidationError("a kind is one of \(kinds.map(\.rawValue).joined(separator: ", "))")
        }
        return kind
    }

    func run() async throws {
        var options = scope.options
        write.apply(to: &options)
        let kinds = only.isEmpty ? Set(Finding.Kind.allCases) : Set(only)
        let report = try await scope.withStore(store, of: Application.self) { daybook in
            try await ReconcileDisplay(isQuiet: store.quiet).show(
                interrupted: "stopped: what was put right is put right; patch again for the rest"
            ) {
                try await daybook.patch(options, only: kinds, progress: $0)
            }
        }
        try await report.print(isRepair: true, isDryRun: write.dryRun, json: scope.json)
        try report.requireAllThere()
        if report.unrepaired > 0 { throw ExitCode.findings }
    }
}
