internal import ArgumentParser
internal import Daybook
internal import DaybookSubscriptions

/// `projections patch`: puts views right.
struct PatchProjections<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "patch",
            abstract: "Put right the documents of projections that are not what the journal says.",
            discussion: """
                The documents are made anew beside those in use, and take their place where any differs; readers see \
                the old ones or the new ones. It can run beside live traffic. Begin with --dry-run.

                An aggregate of which an event cannot be handled is parked, and its later events are missing in what is \
                made: see dead-letters list.

                Exit codes: 0 done, 1 aggregates are parked, 2 it could not be done, 130 interrupted.
                """)
    }

    @OptionGroup var projections: SubscriptionNames

    @Flag(help: "Print what would be put right, and write nothing.")
    var dryRun = false

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup var reason: OptionalReasonOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let report = try await options.withStore(of: Application.self) { store in
            let display = ProgressDisplay("events", isQuiet: options.quiet)
            return try await display.show(
                interrupted: "stopped: the projections that were put right are put right; patch again for the rest"
            ) {
                let reports =
                    dryRun
                    ? try await store.projections.verify(projections.names) { display.update($0) }
                    : try await store.projections.patch(projections.names, reason: reason.value) {
                        display.update($0)
                    }
                return ComparisonReport(reports, .patch(isDryRun: dryRun))
            }
        }
        try await report.print(json: json)
        if report.parked > 0 { throw ExitCode.findings }
    }
}
