internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions

/// `subscriptions resume`: ends a pause.
struct ResumeSubscription<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "resume", abstract: "End the pause of a subscription; it goes on where it was.")
    }

    @OptionGroup var subscription: SubscriptionArgument
    @OptionGroup var reason: ReasonOptions

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "subscriptions resume")
            try await store.subscriptions.resume(subscription.name, reason.value)
        }
        try await StandardOutput.write { output in
            if json {
                return try output.json(["name": .string(subscription.name.rawValue), "isPaused": false])
            }
            try output.line("\(subscription.name) is resumed")
        }
    }
}
