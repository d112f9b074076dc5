internal import ArgumentParser

/// `dead-letters`: events that could not be handled.
struct DeadLetters<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "dead-letters",
            abstract: "Look at the events that subscriptions could not handle, and try them again or discard them.",
            discussion: "The aggregate of such an event is parked: its later events wait, and other aggregates go on.",
            subcommands: [
                ListDeadLetters<Application>.self, ShowDeadLetter<Application>.self, RetryDeadLetter<Application>.self,
                DiscardDeadLetter<Application>.self,
            ])
    }
}
