internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions

/// `subscriptions list`: every subscription of the database.
struct ListSubscriptions<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "list",
            abstract: "Print every subscription of the database, and how far it is behind the journal.",
            discussion: """
                Each posting is compared with the journal, on indexes alone. BEHIND counts aggregates with events that \
                were not handled, LAG is the age of the oldest of these; parked aggregates are counted apart.
                """)
    }

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        let found = try await options.withStore(of: Application.self) { try await $0.subscriptions.list() }
        try await StandardOutput.write { output in
            if json {
                let documents = try found.map { BSONValue.document(try $0.document) }
                return try output.json(["subscriptions": .array(documents)])
            }
            guard !found.isEmpty else { return try output.line("the database has no subscriptions") }
            let heading = ["NAME", "KIND", "DELIVERY", "BEHIND", "LAG", "PARKED", "PROCESSES", "STATUS"]
            let rows = [heading] + found.map(\.row)
            for line in Text.table(rows, numbers: Set(3...6)) { try output.line(line) }
        }
    }
}
