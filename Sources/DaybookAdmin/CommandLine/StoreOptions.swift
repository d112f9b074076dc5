public import ArgumentParser
public import Daybook
internal import Foundation
internal import Logging

/// Where the store is, and how much is said: what every command has.
public struct StoreOptions: ParsableArguments, Sendable {
    /// `--uri`; the environment's `DAYBOOK_URI` where it is not given.
    @Option(help: ArgumentHelp("MongoDB connection string. (default: $DAYBOOK_URI)", valueName: "uri"))
    public var uri: String?

    /// `--database`; the environment's `DAYBOOK_DATABASE`, then the URI's, then `daybook` where it is not given.
    @Option(
        help: ArgumentHelp(
            "Database of the journal and its snapshots. (default: $DAYBOOK_DATABASE, then the URI's, then daybook)",
            valueName: "name"))
    public var database: String?

    /// `--quiet`
    @Flag(help: "No progress, and no warnings.")
    public var quiet = false

    /// What ArgumentParser fills.
    public init() {}

    /// Runs `body` with the application's store, which is closed afterwards.
    ///
    /// - Parameter configure: Changes the configuration, behind the application's own changes.
    /// - Throws: A `ValidationError` when nothing says where the server is; what `body` throws.
    public func withStore<Application: AdminApplication, R: Sendable>(
        of application: Application.Type, configure: (inout DaybookConfiguration) -> Void = { _ in },
        isolation: isolated (any Actor)? = #isolation, _ body: (DaybookStore) async throws -> R
    ) async throws -> R {
        var configuration = try configuration(of: application)
        configure(&configuration)
        return try await withDaybook(configuration, aggregates: Application.aggregates, body)
    }

    private func configuration<Application: AdminApplication>(of application: Application.Type) throws -> DaybookConfiguration {
        let environment = ProcessInfo.processInfo.environment
        // A variable that is set to nothing is not set.
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
