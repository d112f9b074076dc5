internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions

/// The arguments of passing over an event, and the work.
struct SkipOptions: ParsableArguments {
    @OptionGroup var subscription: SubscriptionArgument
    @OptionGroup var aggregate: AggregateArgument
    @OptionGroup var reason: ReasonOptions

    @Flag(help: "Print which event would be passed over, and change nothing.")
    var dryRun = false

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    static var effect: String {
        """
        The event counts as handled, and those that wait after it are delivered. What it would have done is missing \
        then; in a projection, until that is rebuilt by a program that can handle the event. Begin with --dry-run.
        """
    }

    func skip<Application: AdminApplication>(for application: Application.Type) async throws {
        let letter = try await options.withStore(of: application) { store in
            try await store.requireJournal(for: "skip")
            return try await store.subscriptions.skip(
                aggregate.id, in: subscription.name, reason.value, isDryRun: dryRun)
        }
        try await StandardOutput.write { output in
            if json {
                var document = try letter.document
                try document.append("dryRun", .bool(dryRun))
                return try output.json(document)
            }
            let event = "event \(letter.version) of \(aggregate.id)"
            try output.line(
                "\(subscription.name) \(dryRun ? "would pass" : "has passed") over \(event): \(Text.plain(letter.error))"
            )
        }
    }
}
