internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookOperations
internal import DaybookSubscriptions

/// `dead-letters show`: one event that could not be handled.
struct ShowDeadLetter<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "show",
            abstract: "Print one event that could not be handled, as it is stored, and what was wrong.")
    }

    @OptionGroup var subscription: SubscriptionArgument
    @OptionGroup var aggregate: AggregateArgument

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let (letter, event) = try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "dead-letters")
            let letter = try await store.subscriptions.deadLetter(of: aggregate.id, in: subscription.name)
            var events = store.storedEvents(of: aggregate.id, versions: letter.version...letter.version)
                .makeAsyncIterator()
            return (letter, try await events.next())
        }
        try await StandardOutput.write { output in
            if json {
                var document = try letter.document
                try document.append("event", ifPresent: event.map { .document($0) })
                return try output.json(document)
            }
            let rows = [
                ["subscription", letter.subscription], ["aggregate", letter.aggregateID],
                ["since", "\(letter.since.rfc3339), after \(Text.counted(letter.attempts, "attempt"))"],
                ["error", letter.error],
                ["retry", letter.isRetried ? "it is tried again" : "not asked for"],
            ]
            for line in Text.table(rows.map { $0.map(Text.plain) }) { try output.line(line) }
            guard let event else { return try output.line("the journal has no such event") }
            try output.line(EventLine.heading)
            try output.line(EventLine(JournalEntry(event)).text)
        }
    }
}
