internal import ArgumentParser
internal import Daybook
internal import DaybookSubscriptions

/// `subscriptions show`: one subscription.
struct ShowSubscription<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "show",
            abstract: "Print how one subscription stands, which processes run it, and what operators have changed.")
    }

    @OptionGroup var subscription: SubscriptionArgument

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let status = try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "subscriptions")
            return try await store.subscriptions.show(subscription.name)
        }
        try await StandardOutput.write { output in
            if json { return try output.json(status.wholeDocument) }
            for line in status.lines { try output.line(line) }
        }
    }
}
