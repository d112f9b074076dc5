import Daybook
import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Logging
import SampleAggregates

/// Runs the projection ``Arrivals`` until a test ends it: `SubscriptionRunner DATABASE run|rebuild|swap MICROSECONDS`,
/// with the server's URI on standard input, because arguments are for every user of the machine to see.
///
/// `rebuild` and `swap` make its documents again instead, in place and beside those in use, and write `done EVENTS` at
/// the end. Each change of a document takes so many microseconds. The log goes to the standard output too.
@main
struct SubscriptionRunner {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let delay = UInt32(arguments[3]) else {
            throw Misuse(description: "usage: SubscriptionRunner DATABASE run|rebuild|swap MICROSECONDS")
        }
        var configuration = DaybookConfiguration(uri: readLine() ?? "", database: arguments[1])
        configuration.logger = Logger(label: "runner") { StreamLogHandler.standardOutput(label: $0) }
        Arrivals.delay = delay
        let store = try DaybookStore(
            configuration, aggregates: [Account.self], subscriptions: [.projection(Arrivals.self)])
        if arguments[2] == "run" { return try await store.run() }
        let reports = try await store.projections.rebuild(
            swap: arguments[2] == "swap", reason: .init(by: "runner", why: "a test"))
        await store.close()
        let events = reports.reduce(0) { $0 + $1.events }
        try FileHandle.standardOutput.write(contentsOf: Data("done \(events)\n".utf8))
    }

    private struct Misuse: Error, CustomStringConvertible {
        let description: String
    }
}
