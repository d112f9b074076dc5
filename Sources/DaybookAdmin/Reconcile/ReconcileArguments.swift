internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import Foundation
internal import Logging

/// Which aggregates a reconciliation is about, and how many hands it has.
struct ScopeOptions: ParsableArguments {
    @OptionGroup var types: TypeOptions

    @Option(
        name: .customLong("id"),
        help: ArgumentHelp("Only this aggregate, as in license/L-1; may be repeated.", valueName: "type/key"),
        transform: { try AggregateID(parsing: $0) })
    var ids: [AggregateID] = []

    @Option(help: ArgumentHelp("How many ranges of ids to work at, at a time.", valueName: "number"))
    var workers = 2

    @Flag(help: "Print one object.")
    var json = false

    func validate() throws {
        guard (1...64).contains(workers) else { throw ValidationError("--workers is between 1 and 64.") }
    }

    /// Runs `body` with a store that has connections for every worker.
    func withStore<Application: AdminApplication, R: Sendable>(
        _ store: StoreOptions, of application: Application.Type, isolation: isolated (any Actor)? = #isolation,
        _ body: (DaybookStore) async throws -> R
    ) async throws -> R {
        try await store.withStore(of: application) { configuration in
            configuration.maximumConnections = max(configuration.maximumConnections, 3 * workers + 6)
            // What a run waits for, and what it goes on with, is said.
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

/// What the commands that write have besides.
struct WriteOptions: ParsableArguments {
    @Flag(help: "Print what would be written, and write nothing.")
    var dryRun = false

    @Option(help: ArgumentHelp("Write at most so many snapshots a second.", valueName: "number"))
    var rate: Double?

    func validate() throws {
        if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate is more than 0.") }
    }

    func apply(to options: inout ReconcileOptions) {
        (options.isDryRun, options.aggregatesPerSecond) = (dryRun, rate)
    }
}

/// Shows how far a reconciliation is while it runs.
struct ReconcileDisplay {
    private let display: ProgressDisplay

    init(isQuiet: Bool) {
        display = ProgressDisplay("events", isQuiet: isQuiet)
    }

    /// - Parameter advice: What is said when it is interrupted.
    func show(
        interrupted advice: String, isolation: isolated (any Actor)? = #isolation,
        _ body: (@escaping @Sendable (ReconcileProgress) -> Void) async throws -> ReconcileReport
    ) async throws -> ReconcileReport {
        do {
            let report = try await body { [display] progress in
                display.update(
                    progress.events, of: progress.totalEvents > 0 ? max(progress.totalEvents, progress.events) : nil,
                    findings: progress.findings)
            }
            display.finish()
            return report
        } catch {
            display.finish()
            if error is CancellationError { StandardError.line(advice) }
            throw error
        }
    }
}
