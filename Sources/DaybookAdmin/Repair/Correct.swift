internal import ArgumentParser
internal import Daybook
internal import DaybookBSON

/// `correct`: corrects a state by appending a correction.
struct Correct<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "correct",
            abstract: "Put the state of one aggregate right, by appending a correction; history stays as it was.",
            discussion: """
                A path names a field of the encoded state, with dots for nested ones. A value is relaxed extended \
                JSON: --set renewals=2 --set 'status="issued"' --set 'expiresAt={"$date": "2026-01-01T00:00:00Z"}'. A \
                document is merged field by field; an array is replaced. What the state's type cannot hold is refused, \
                also with --dry-run.
                """)
    }

    @OptionGroup var aggregate: AggregateArgument

    @Option(
        help: ArgumentHelp("Give a field this value; may be repeated.", valueName: "path=value"),
        transform: { try CorrectedField(assignment: $0) })
    var set: [CorrectedField] = []

    @Option(
        help: ArgumentHelp("Remove a field; may be repeated.", valueName: "path"),
        transform: { try CorrectedField(removed: $0) })
    var unset: [CorrectedField] = []

    @Option(help: ArgumentHelp("Why; recorded for good.", valueName: "text"))
    var reason: String

    @Option(help: ArgumentHelp("Who does it; recorded for good.", valueName: "name"))
    var actor: String

    @Flag(help: "Print what would change, and write nothing.")
    var dryRun = false

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func validate() throws {
        _ = try Application.aggregate(aggregate.id.type)
        guard !(set + unset).isEmpty else {
            throw ValidationError("Nothing is to be corrected: give --set or --unset.")
        }
        _ = try patch
        for (name, text) in [("--reason", reason), ("--actor", actor)] where !(1...1_024).contains(text.utf8.count) {
            throw ValidationError("\(name) has 1 to 1024 bytes.")
        }
    }

    private var patch: BSONDocument {
        get throws { try CorrectedField.patch(of: set + unset) }
    }

    func run() async throws {
        try await options.withStore(of: Application.self) { store in
            let outcome = try await correct(try Application.aggregate(aggregate.id.type), store)
            try await StandardOutput.write { try print(outcome, to: $0) }
        }
    }

    private struct Outcome {
        /// The aggregate's version after the correction.
        var version: Int64
        var changes: [FieldDifference]
    }

    private func correct<A: Aggregate>(_: A.Type, _ store: DaybookStore) async throws -> Outcome {
        let repository = store.repository(A.self)
        let (key, patch) = (aggregate.id.key, try patch)
        if !dryRun, let commit = try await repository.correct(key, patch: patch, reason: reason, actor: actor) {
            // Compare the versions around the correction, because other writers may have changed the aggregate since.
            let version = commit.versions.upperBound
            let before = try await repository.load(key, at: .version(version - 1)).encodedState()
            let after = try await repository.load(key, at: .version(version)).encodedState()
            return Outcome(version: version, changes: before.differences(to: after))
        }
        let preview = try await repository.previewCorrection(key, patch: patch, reason: reason, actor: actor)
        return Outcome(version: preview.version, changes: dryRun ? preview.before.differences(to: preview.after) : [])
    }

    private func print(_ outcome: Outcome, to output: StandardOutput) throws {
        if json {
            return try output.json([
                EventKey.aggregateID: .string(aggregate.id.rawValue), EventKey.version: .int64(outcome.version),
                "dryRun": .bool(dryRun),
                "changes": .array(try outcome.changes.map { .document(try $0.document) }),
            ])
        }
        guard !outcome.changes.isEmpty else {
            return try output.line("\(aggregate.id) is so already, at version \(outcome.version): nothing to correct")
        }
        try output.line(
            dryRun
                ? "\(aggregate.id), at version \(outcome.version), would be corrected:"
                : "\(aggregate.id) is corrected, by its event \(outcome.version):")
        for line in Text.changes(outcome.changes) { try output.line("  \(line)") }
    }
}
