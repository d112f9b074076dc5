internal import ArgumentParser
internal import Daybook
internal import DaybookSubscriptions

/// `subscriptions verify`: compares postings with the journal.
struct VerifySubscriptions<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "verify",
            abstract: "Compare what subscriptions have handled of each aggregate with the journal, and change nothing.",
            discussion: """
                It can run beside live traffic: each finding was seen twice, and what a process is about to handle is \
                none. Findings: behind, of which patch delivers the events; ahead and orphan, where a posting has a \
                version or an aggregate that the journal does not have. Parked aggregates are counted apart; see \
                dead-letters list. A subscription with the delivery positioned has no postings to compare.

                Exit codes: 0 nothing found, 1 findings or parked aggregates, 2 it could not be done.
                """)
    }

    @OptionGroup var subscriptions: SubscriptionNames

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let report = try await options.withStore(of: Application.self) { store in
            ComparisonReport(try await store.subscriptions.verify(subscriptions.names))
        }
        try await report.print(json: json)
        if report.total > 0 || report.parked > 0 { throw ExitCode.findings }
    }
}
