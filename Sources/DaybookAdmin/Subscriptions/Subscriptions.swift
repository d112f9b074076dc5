internal import ArgumentParser

/// `subscriptions`: what the readers of the journal have handled.
struct Subscriptions<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        let general: [any ParsableCommand.Type] = [
            ListSubscriptions<Application>.self, ShowSubscription<Application>.self,
            PauseSubscription<Application>.self, ResumeSubscription<Application>.self,
            RewindSubscription<Application>.self, SkipEvent<Application>.self, VerifySubscriptions<Application>.self,
        ]
        return CommandConfiguration(
            commandName: "subscriptions",
            abstract: "Look at the subscriptions, pause and rewind them, and compare them with the journal.",
            subcommands: general + (Application.aggregates.isEmpty ? [] : [PatchSubscriptions<Application>.self]))
    }
}
