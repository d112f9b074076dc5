public import ArgumentParser
internal import Daybook
public import Foundation
internal import Licensing

/// Where the store is; every command has it.
struct StoreOptions: ParsableArguments {
    @Option(help: "MongoDB connection string. (default: $DAYBOOK_URI)")
    var uri: String?

    @Option(help: "Database of the journal and its snapshots. (default: $DAYBOOK_DATABASE, then the URI's, then daybook)")
    var database: String?

    /// Runs `body` with the store. A failure is printed as one line and ends the process with its exit code.
    func withStore(
        clock: CommitClock = .system, isolation: isolated (any Actor)? = #isolation,
        _ body: (DaybookStore) async throws -> Void
    ) async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let uri = uri ?? environment["DAYBOOK_URI"], !uri.isEmpty else {
            throw ValidationError(
                "Where is the server? Give --uri or set DAYBOOK_URI; scripts/mongo up starts one and prints its URI.")
        }
        var configuration = DaybookConfiguration(uri: uri, database: database ?? environment["DAYBOOK_DATABASE"])
        configuration.appName = "licensing"
        configuration.clock = clock
        do {
            try await withDaybook(configuration, aggregates: licensingAggregates, body)
        } catch let refusal as Refusal {
            throw failure("refused: \(refusal.sentence)", exitCode: 1)
        } catch let error as LicensingError {
            throw failure("error: \(error.sentence)", exitCode: 2)
        } catch let error as DaybookError {
            throw failure("error: \(error)", exitCode: 2)
        }
    }

    /// Runs `body` with the service's application.
    func withLicensing(
        isolation: isolated (any Actor)? = #isolation, _ body: (LicensingApplication<DaybookStore>) async throws -> Void
    ) async throws {
        try await withStore { try await body(LicensingApplication(store: $0, policies: .service)) }
    }

    private func failure(_ line: String, exitCode: Int32) -> ExitCode {
        printError(line)
        return ExitCode(exitCode)
    }
}

/// What a command says of its request.
struct RequestOptions: ParsableArguments {
    @Option(help: "The request's Idempotency-Key: repeated with the same one, it takes effect once.")
    var key: String?

    @Option(help: "The version that is expected; at another one nothing is done.")
    var expecting: Int64?

    @Option(help: "On whose behalf; recorded with every event.")
    var actor: String?

    @Option(help: "The business time of the request, RFC 3339. (default: now)")
    var at: Date?

    var request: Request {
        Request(key: key, expecting: expecting, context: CommandContext(correlationID: key, actor: actor), at: at)
    }
}

extension PolicyBook {
    /// The service's policies: since July 2025 a licence runs for 45 days instead of 30.
    static let service: PolicyBook = {
        var second = Policy()
        second.version = 2
        second.effectiveFrom = Date(timeIntervalSince1970: 1_751_328_000)
        second.licenseDays = 45
        return PolicyBook([Policy(), second])
    }()
}

extension Date: @retroactive ExpressibleByArgument {
    /// RFC 3339, with fractions of a second or without.
    public init?(argument: String) {
        let date = try? Date(argument, strategy: milliseconds)
        guard let date = date ?? (try? Date(argument, strategy: .iso8601)) else { return nil }
        self = date
    }
}

extension Refusal {
    fileprivate var sentence: String { reason.rawValue + (limit.map { " (limit \($0))" } ?? "") }
}

extension LicensingError {
    fileprivate var sentence: String {
        switch self {
        case .unknownLicense(let id): "there is no licence \"\(id)\""
        case .invalidMember(let id): "\"\(id)\" cannot be a member: an id is not empty and has no colon"
        }
    }
}

func printError(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
