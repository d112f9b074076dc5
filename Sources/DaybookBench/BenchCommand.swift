internal import ArgumentParser
internal import Foundation
internal import Logging

@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daybook-bench",
        abstract: "Measures Daybook beside the same work done with bare libmongoc calls.",
        discussion: """
            The sides of a case take turns, several rounds of each; a ratio is of one round, Daybook's measurement \
            divided by the other's, and is shown as median [lowest-highest]. So a ratio of rates over 1 means that \
            Daybook is faster, one of cpu or p50 under 1 that it takes less.
            cpu: user and system time of this process for an operation. trips and sent: commands to the server for an \
            operation and their bytes, counted in a pass of their own. allocs: allocations for an operation. peak: the \
            highest resident size.
            The table goes to stdout when all is done, progress to stderr.
            """)

    @Option(help: "MongoDB connection string; codec needs none. (default: $DAYBOOK_URI)")
    var uri: String?

    @Option(help: "Database to work in. It must not exist, or be left of an earlier run; it is dropped at the end.")
    var database = "daybook-bench"

    @Option(
        name: .customLong("scenario"),
        help: "\(Self.scenarioNames.joined(separator: ", ")); may be repeated. (default: all)")
    var scenarios: [String] = []

    @Option(name: .customLong("case"), help: "Only the cases whose names contain this.")
    var filter = ""

    @Option(name: .customLong("side"), help: "Only the sides whose names contain this, as Daybook: for a profile.")
    var sideFilter = ""

    @Option(help: "How often each side of a case is measured.")
    var rounds = 7

    @Option(help: "About how long one side of a case is measured in one round, in seconds.")
    var seconds = 0.5

    @Option(help: "Tasks or threads that write at a time, where many do.")
    var writers = 64

    @Option(help: "Events in the journals of rebuild, verify and catch-up, separated by commas.")
    var events = "10000,100000,1000000"

    @Flag(help: "Print one JSON array of rows instead of the table.")
    var json = false

    private static let scenarioNames = [
        CodecScenario.name, AppendScenario.name, ExecuteScenario.name, LoadScenario.name, QueryScenario.name,
        LargeStateScenario.name, ReconcileScenario.name, SubscriptionScenario.name,
    ]

    func validate() throws {
        guard Latencies.areKept else {
            throw ValidationError(
                "This was built without a histogram. Build it with --traits Benchmarks, as scripts/bench does.")
        }
        for name in scenarios where !Self.scenarioNames.contains(name) {
            throw ValidationError(
                "There is no scenario \"\(name)\"; there are \(Self.scenarioNames.joined(separator: ", ")).")
        }
        // Some servers show them empty; they are never for a measurement.
        guard !["admin", "config", "local"].contains(database) else {
            throw ValidationError("\"\(database)\" is MongoDB's own database; --database is one to be dropped.")
        }
        guard rounds > 0 else { throw ValidationError("--rounds is at least 1.") }
        guard seconds > 0, seconds <= 60 else { throw ValidationError("--seconds is over 0 and at most 60.") }
        guard (1...1_000).contains(writers) else { throw ValidationError("--writers is 1 to 1000.") }
        _ = try sizes()
    }

    private func sizes() throws -> [Int] {
        try events.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let size = Int(text), size > 0 else {
                throw ValidationError("--events is a list of numbers, as in 10000,100000.")
            }
            return size
        }
    }

    private func isWanted(_ name: String) -> Bool { scenarios.isEmpty || scenarios.contains(name) }

    func run() async throws {
        // A measurement is no time for remarks; what goes wrong is thrown.
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .error
            return handler
        }
        let options = BenchOptions(rounds: rounds, seconds: seconds, writers: writers, sizes: try sizes())
        let contest = Contest(rounds: rounds, filter: filter, sideFilter: sideFilter) { Self.say($0) }
        let needsServer = Self.scenarioNames.contains { $0 != CodecScenario.name && isWanted($0) }
        let uri = uri ?? ProcessInfo.processInfo.environment["DAYBOOK_URI"] ?? ""
        guard !needsServer || !uri.isEmpty else {
            throw ValidationError(
                "Where is the server? Give --uri or set DAYBOOK_URI; scripts/mongo up starts one and prints its URI.")
        }
        var rows: [Row] = []
        do {
            if isWanted(CodecScenario.name) { rows += try await CodecScenario(options: options).run(contest) }
            if needsServer { rows += try await onServer(uri, options, contest) }
        } catch {
            Self.say("error: \(error)")
            throw ExitCode(2)
        }
        guard !rows.isEmpty else {
            let wanted = [("--case", filter), ("--side", sideFilter)].filter { !$0.1.isEmpty }.map { "\($0) \"\($1)\"" }
            throw ValidationError(
                "Nothing fits \(wanted.joined(separator: " and ")). A run without it shows the names there are.")
        }
        try show(rows)
    }

    private func onServer(_ uri: String, _ options: BenchOptions, _ contest: Contest) async throws -> [Row] {
        let database = try await BenchDatabase.open(uri: uri, name: database, connections: AppendScenario.threads + 4)
        let scenarios: [any Scenario] = [
            AppendScenario(database: database, options: options), ExecuteScenario(database: database, options: options),
            LoadScenario(database: database, options: options), QueryScenario(database: database, options: options),
            LargeStateScenario(database: database, options: options),
            ReconcileScenario(database: database, options: options),
            SubscriptionScenario(database: database, options: options),
        ]
        var rows: [Row] = []
        do {
            for scenario in scenarios where isWanted(type(of: scenario).name) {
                rows += try await scenario.run(contest)
            }
        } catch {
            try? await database.drop()
            throw error
        }
        try await database.drop()
        return rows
    }

    private func show(_ rows: [Row]) throws {
        guard json else {
            print(Table.text(rows))
            return
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        print(String(decoding: try encoder.encode(rows), as: UTF8.self))
    }

    static func say(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}
