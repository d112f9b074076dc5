internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
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

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "subscriptions pause")
            try await store.subscriptions.pause(subscription.name, reason.value)
        }
        try await StandardOutput.write { output in
            if json {
                return try output.json(["name": .string(subscription.name.rawValue), "isPaused": true])
            }
            try output.line("\(subscription.name) is paused")
        }
    }
}
