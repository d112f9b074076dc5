public import ArgumentParser

extension AdminApplication {
    /// The admin commands in groups, for the `groupedSubcommands` of the application's root command. An application
    /// with aggregates has all of them; one without has those that need no aggregate's code.
    public static var adminCommands: [CommandGroup] {
        let all: [(name: String, general: [any ParsableCommand.Type], others: [any ParsableCommand.Type])] = [
            ("Inspection", inspection, aggregateInspection), ("Repair", repair, aggregateRepair),
            ("Subscriptions", subscriptionCommands, []), ("Database", upkeep, aggregateUpkeep),
        ]
        return all.map {
            CommandGroup(name: $0.name, subcommands: aggregates.isEmpty ? $0.general : $0.general + $0.others)
        }
        .filter { !$0.subcommands.isEmpty }
    }

    // MARK: Need no code of an aggregate

    private static var inspection: [any ParsableCommand.Type] {
        [HistoryCommand<Self>.self, Tail<Self>.self, Stats<Self>.self, View<Self>.self]
    }

    private static var repair: [any ParsableCommand.Type] {
        [aggregates.isEmpty ? VerifyEnvelopes<Self>.self : Verify<Self>.self, Runs<Self>.self]
    }

    /// Each leaves out those of its subcommands that need an aggregate's code.
    private static var subscriptionCommands: [any ParsableCommand.Type] {
        [Subscriptions<Self>.self, DeadLetters<Self>.self, Projections<Self>.self]
    }

    private static var upkeep: [any ParsableCommand.Type] { [Doctor<Self>.self, Export<Self>.self] }

    // MARK: Need the application's aggregates

    private static var aggregateInspection: [any ParsableCommand.Type] {
        [Show<Self>.self, Explain<Self>.self, Query<Self>.self]
    }

    private static var aggregateRepair: [any ParsableCommand.Type] {
        [Patch<Self>.self, Rebuild<Self>.self, Correct<Self>.self]
    }

    private static var aggregateUpkeep: [any ParsableCommand.Type] {
        [Run<Self>.self, Init<Self>.self, Import<Self>.self]
    }
}
