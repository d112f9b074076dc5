public import ArgumentParser
public import Daybook
internal import DaybookSubscriptions
internal import Foundation
internal import Logging

/// The options of every command: where the store is, and how much is printed.
public struct StoreOptions: ParsableArguments, Sendable {
    /// `--uri`; the environment's `DAYBOOK_URI` if not given.
    @Option(help: ArgumentHelp("MongoDB connection string. (default: $DAYBOOK_URI)", valueName: "uri"))
    public var uri: String?

    /// `--database`; if not given, the environment's `DAYBOOK_DATABASE`, then the URI's database, then `daybook`.
    @Option(
        help: ArgumentHelp(
            "Database of the journal and its snapshots. (default: $DAYBOOK_DATABASE, then the URI's, then daybook)",
            valueName: "name"))
    public var database: String?

    /// `--quiet`
    @Flag(help: "No progress, and no warnings.")
    public var quiet = false

    /// Made by ArgumentParser.
    public init() {}

    /// Runs `body` with the application's store, which is closed afterwards.
    ///
    /// - Parameter configure: Changes the configuration, after the application's own changes.
    /// - Throws: A `ValidationError` when no URI is given; what `body` throws.
    public func withStore<Application: AdminApplication, R: Sendable>(
        of application: Application.Type, configure: (inout DaybookConfiguration) -> Void = { _ in },
        isolation: isolated (any Actor)? = #isolation, _ body: (DaybookStore) async throws -> R
    ) async throws -> R {
        var configuration = try configuration(of: application)
        configure(&configuration)
        return try await withDaybook(
            configuration, aggregates: Application.aggregates, subscriptions: Application.subscriptions, body)
    }

    private func configuration<Application: AdminApplication>(of application: Application.Type) throws
        -> DaybookConfiguration
    {
        let environment = ProcessInfo.processInfo.environment
        // A variable with an empty value counts as not set.
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        guard let uri = uri ?? variable("DAYBOOK_URI"), !uri.isEmpty else {
            throw ValidationError("Where is the server? Give --uri, or set DAYBOOK_URI.")
        }
        var configuration = DaybookConfiguration(uri: uri, database: database ?? variable("DAYBOOK_DATABASE"))
        configuration.appName = Application.name
        if quiet { configuration.logger.logLevel = .error }
        Application.configure(&configuration)
        return configuration
    }
}
