internal import ArgumentParser
internal import Daybook
internal import DaybookSubscriptions

/// `dead-letters retry`: has an event tried again.
struct RetryDeadLetter<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "retry",
            abstract: "Have an event that could not be handled tried again, and those that wait after it.",
            discussion: """
                A process that runs the subscription does so within seconds; where none runs, the next one that does.
                """)
    }

    @OptionGroup var subscription: SubscriptionArgument
    @OptionGroup var aggregate: AggregateArgument
    @OptionGroup var reason: ReasonOptions

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let letter = try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "dead-letters retry")
            return try await store.subscriptions.retry(aggregate.id, in: subscription.name, reason.value)
        }
        try await StandardOutput.write { output in
            if json { return try output.json(letter.document) }
            try output.line("\(aggregate.id) is tried again by a process that runs \(subscription.name)")
        }
    }
}
