internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions
internal import Foundation

/// `subscriptions rewind`: has events handled again.
struct RewindSubscription<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "rewind",
            abstract: "Have a subscription handle events again that it has handled already.",
            discussion: """
                All events, unless --id, --type or --since says less. A subscription with the delivery positioned has \
                one position, so it goes back to a date or to the beginning only. A projection is not rewound, because \
                its documents would include events twice: rebuild it. Begin with --dry-run.
                """)
    }

    @OptionGroup var subscription: SubscriptionArgument

    @Option(
        help: ArgumentHelp("Only the events of this aggregate, as in license/L-1.", valueName: "type/key"),
        transform: { try AggregateID(parsing: $0) })
    var id: AggregateID?

    @Option(
        help: ArgumentHelp("Only the events of aggregates of this type.", valueName: "type"),
        transform: { try Arguments.type($0) })
    var type: AggregateType?

    @Option(
        help: ArgumentHelp("Only the events that were recorded since this time (RFC 3339).", valueName: "date"),
        transform: { try Arguments.date($0) })
    var since: Date?

    @Flag(help: "Print what would be handled again, and change nothing.")
    var dryRun = false

    @OptionGroup var reason: ReasonOptions

    @Flag(help: "Print one object.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func validate() throws {
        try Application.requireKnown([id?.type, type].compactMap(\.self))
        guard [id != nil, type != nil, since != nil].count(where: { $0 }) <= 1 else {
            throw ValidationError("Give one of --id, --type and --since.")
        }
    }

    private var point: SubscriptionAdministration.RewindPoint {
        id.map { .aggregate($0) } ?? type.map { .type($0) } ?? since.map { .since($0) } ?? .beginning
    }

    func run() async throws {
        let count = try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "subscriptions rewind")
            return try await store.subscriptions.rewind(subscription.name, to: point, reason.value, isDryRun: dryRun)
        }
        let what = count.map { "events of \(Text.counted($0, "aggregate"))" } ?? "events"
        try await StandardOutput.write { output in
            if json {
                var document: BSONDocument = ["name": .string(subscription.name.rawValue), "dryRun": .bool(dryRun)]
                try document.append("aggregates", ifPresent: count.map { .int64(Int64($0)) })
                return try output.json(document)
            }
            try output.line(
                dryRun
                    ? "\(subscription.name) would be rewound, to handle \(what) again"
                    : "\(subscription.name) is rewound, and handles \(what) again")
        }
    }
}
