public import ArgumentParser
internal import Daybook
internal import DaybookAdmin
public import Foundation
internal import Licensing

/// The options of a command's request.
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

extension Date: @retroactive ExpressibleByArgument {
    /// Parses RFC 3339, with or without fractions of a second.
    public init?(argument: String) { self.init(rfc3339: argument) }
}
