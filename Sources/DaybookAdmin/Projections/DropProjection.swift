internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions

/// `projections drop`: removes a projection.
struct DropProjection<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "drop",
            abstract: "Remove a projection that no process runs: its documents, and how far it came.",
            discussion: """
                The journal is left as it is, so it can be made again: by a process that runs it, or by projections \
                rebuild. Stop the processes that run it first. Begin with --dry-run.
                """)
    }

    @Argument(
        help: ArgumentHelp("The projection, as in member-overview.", valueName: "name"),
        transform: { try Arguments.subscription($0) })
    var name: SubscriptionName

    @Flag(help: "Print what would be removed, and remove nothing.")
    var dryRun = false

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup var reason: ReasonOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let count = try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "projections drop")
            return try await store.projections.drop(name, reason: reason.value, isDryRun: dryRun)
        }
        try await StandardOutput.write { output in
            if json {
                return try output.json([
                    "projection": .string(name.rawValue), "documents": .int64(Int64(count)), "dryRun": .bool(dryRun),
                ])
            }
            try output.line("\(name) \(dryRun ? "would be" : "is") removed, with \(Text.counted(count, "document"))")
        }
    }
}
