internal import ArgumentParser
internal import Daybook
internal import DaybookSubscriptions
internal import Logging

/// `projections rebuild`: makes views anew.
struct RebuildProjections<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "rebuild",
            abstract:
                "Make the documents of projections anew from the first event; a rebuild that was stopped or killed "
                + "goes on where it was.",
            discussion: """
                With --swap they are made beside those in use, and take their place when they are complete; otherwise \
                the view is empty at first. An aggregate of which an event cannot be handled is parked: \
                see dead-letters list.

                A rebuild that was stopped or killed is resumed by the same command and the same program within an \
                hour; else all is begun anew.

                Exit codes: 0 done, 1 aggregates are parked, 2 it could not be done, 130 interrupted.
                """)
    }

    @OptionGroup var projections: SubscriptionNames

    @Flag(help: "Build new collections, and put them in the place of the old ones.")
    var swap = false

    @Flag(help: "Begin anew, where an earlier rebuild did not come to its end.")
    var restart = false

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup var reason: OptionalReasonOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let report = try await options.withStore(of: Application.self) { configuration in
            // Log at `notice`, so that the user sees what a run waits for and what it resumes.
            if !options.quiet { configuration.logger.logLevel = min(configuration.logger.logLevel, .notice) }
        } _: { store in
            let display = ProgressDisplay("events", isQuiet: options.quiet)
            return try await display.show(
                interrupted:
                    "stopped; how far it came is saved. Start the same command again to go on, with --restart to "
                    + "begin anew"
            ) {
                let reports = try await store.projections.rebuild(
                    projections.names, swap: swap, restart: restart, reason: reason.value
                ) {
                    display.update($0)
                }
                return ComparisonReport(reports, .rebuild)
            }
        }
        try await report.print(json: json)
        if report.parked > 0 { throw ExitCode.findings }
    }
}
