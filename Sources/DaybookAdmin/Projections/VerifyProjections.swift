internal import ArgumentParser
internal import Daybook
internal import DaybookSubscriptions

/// `projections verify`: compares views with the journal.
struct VerifyProjections<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "verify",
            abstract: "Make the documents of projections anew beside those in use, and compare the two.",
            discussion: """
                It can run beside live traffic: a difference that passes is none. Findings: behind, different, missing \
                and orphan, which patch puts right. What was made anew is removed afterwards. An aggregate of which an \
                event cannot be handled is parked, and counted apart: see dead-letters list.

                Exit codes: 0 nothing found, 1 findings or parked aggregates, 2 it could not be done, 130 interrupted.
                """)
    }

    @OptionGroup var projections: SubscriptionNames

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let report = try await options.withStore(of: Application.self) { store in
            let display = ProgressDisplay("events", isQuiet: options.quiet)
            return try await display.show(interrupted: "stopped; verify keeps nothing to go on with") {
                ComparisonReport(try await store.projections.verify(projections.names) { display.update($0) })
            }
        }
        try await report.print(json: json)
        if report.total > 0 || report.parked > 0 { throw ExitCode.findings }
    }
}
