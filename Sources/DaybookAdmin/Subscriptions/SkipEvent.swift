internal import ArgumentParser

/// `subscriptions skip`: passes over the event that parks an aggregate.
struct SkipEvent<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "skip",
            abstract: "Pass over the event of a parked aggregate that a subscription cannot handle.",
            discussion: SkipOptions.effect)
    }

    @OptionGroup var event: SkipOptions

    func run() async throws { try await event.skip(for: Application.self) }
}
