internal import ArgumentParser

/// `dead-letters discard`: passes over an event.
struct DiscardDeadLetter<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "discard",
            abstract: "Pass over an event that could not be handled, as subscriptions skip does.",
            discussion: SkipOptions.effect)
    }

    @OptionGroup var event: SkipOptions

    func run() async throws { try await event.skip(for: Application.self) }
}
