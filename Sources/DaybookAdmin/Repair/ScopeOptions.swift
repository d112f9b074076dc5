internal import ArgumentParser
internal import Daybook
internal import DaybookOperations
internal import Logging

/// Which aggregates a reconciliation covers, and with how many workers.
struct ScopeOptions: ParsableArguments {
    @OptionGroup var types: TypeOptions

    @Option(
        name: .customLong("id"),
        help: ArgumentHelp("Only this aggregate, as in license/L-1; may be repeated.", valueName: "type/key"),
        transform: { try AggregateID(parsing: $0) })
    var ids: [AggregateID] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many ranges of ids to work at, at a time.", valueName: "number"))
    var workers = 2

    @Flag(help: "Print one object.")
    var json = false

    func validate() throws {
        guard (1...64).contains(workers) else { throw ValidationError("--workers is between 1 and 64.") }
    }

    /// Runs `body` with a store that has enough connections for every worker.
    func withStore<Application: AdminApplication, R: Sendable>(
        _ store: StoreOptions, of application: Application.Type, isolation: isolated (any Actor)? = #isolation,
        _ body: (DaybookStore) async throws -> R
    ) async throws -> R {
        try await store.withStore(of: application) { configuration in
            configuration.maximumConnections = max(configuration.maximumConnections, 3 * workers + 6)
            // Log at `notice`, so that the user sees what a run waits for and what it resumes.
            if !store.quiet { configuration.logger.logLevel = min(configuration.logger.logLevel, .notice) }
        } _: {
            try await body($0)
        }
    }

    var options: ReconcileOptions {
        var options = ReconcileOptions()
        (options.types, options.ids, options.workers) = (types.types, ids, workers)
        return options
    }

    func requireKnown<Application: AdminApplication>(to application: Application.Type) throws {
        try Application.requireKnown(types.types + ids.map(\.type))
    }
}
