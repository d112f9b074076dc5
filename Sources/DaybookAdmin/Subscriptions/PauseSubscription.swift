internal import ArgumentParser
internal import Daybook
internal import DaybookSubscriptions

/// `subscriptions pause`: stops the delivery to a subscription.
struct PauseSubscription<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "pause",
            abstract: "Stop the delivery of events to a subscription in all processes, until it is resumed.",
            discussion: "The pause is stored: it outlasts the processes, which take it up within seconds.")
    }

    @OptionGroup var subscription: SubscriptionArgument
    @OptionGroup var reason: ReasonOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "subscriptions pause")
            try await store.subscriptions.pause(subscription.name, reason.value)
        }
        try await StandardOutput.write { try $0.line("\(subscription.name) is paused") }
    }
}
