internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions

/// `dead-letters list`: every event that could not be handled.
struct ListDeadLetters<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "list",
            abstract: "Print the events that could not be handled, by subscription and aggregate; 10,000 at most.")
    }

    @Argument(
        help: ArgumentHelp("Only those of this subscription. (default: all)", valueName: "name"),
        transform: { try Arguments.subscription($0) })
    var name: SubscriptionName?

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let letters = try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "dead-letters")
            return try await store.subscriptions.deadLetters(of: name)
        }
        try await StandardOutput.write { output in
            if json {
                let documents = try letters.map { BSONValue.document(try $0.document) }
                return try output.json(["deadLetters": .array(documents)])
            }
            guard !letters.isEmpty else { return try output.line("every event could be handled") }
            let heading = ["SUBSCRIPTION", "AGGREGATE", "VERSION", "TYPE", "SINCE", "ATTEMPTS", "RETRY", "ERROR"]
            for line in Text.table([heading] + letters.map(\.row), numbers: [2, 5]) { try output.line(line) }
        }
    }
}
