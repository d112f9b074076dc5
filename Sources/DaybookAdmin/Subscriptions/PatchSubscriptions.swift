internal import ArgumentParser
internal import Daybook
internal import DaybookSubscriptions

/// `subscriptions patch`: delivers what was missed.
struct PatchSubscriptions<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "patch",
            abstract: "Deliver the events that subscriptions have missed, each exactly once.",
            discussion: """
                It can run beside the processes that run the subscriptions. What is ahead or an orphan is reported and \
                left, since it is not known what was handled; so are parked aggregates. Begin with --dry-run.

                Postings that were deleted or set back by hand look as if their events were missed. A projection would \
                count these events twice: run projections verify after it, and projections rebuild or patch for what \
                that finds.

                Exit codes: 0 done, 1 something was left, 2 it could not be done, 130 interrupted.
                """)
    }

    @OptionGroup var subscriptions: SubscriptionNames

    @Flag(help: "Print what would be delivered, and deliver nothing.")
    var dryRun = false

    @OptionGroup var reason: OptionalReasonOptions

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let report = try await options.withStore(of: Application.self) { store in
            let reports = try await store.subscriptions.patch(
                subscriptions.names, reason: reason.value, isDryRun: dryRun)
            return ComparisonReport(reports, isDryRun: dryRun)
        }
        try await report.print(json: json)
        if report.unrepaired > 0 { throw ExitCode.findings }
    }
}
