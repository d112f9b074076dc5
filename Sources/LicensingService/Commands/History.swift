internal import ArgumentParser
internal import Daybook
internal import Foundation
internal import Licensing

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Print the events of one licence, oldest first.")

    @Argument(help: "The licence's key, as in L-1.")
    var key: String

    @OptionGroup var options: StoreOptions

    func run() async throws {
        try await options.withLicenses { _, licenses in
            var count = 0
            for try await event in try licenses.history(key) {
                guard case .event(let body) = event.body else { continue }
                print("\(event.version)\t\(event.recordedAt.formatted(milliseconds))\t\(event.type)\t\(try payload(of: body))")
                count += 1
            }
            guard count > 0 else {
                printError("error: there is no licence \"\(key)\"")
                throw ExitCode(2)
            }
        }
    }

    /// The event's own fields, as one line of JSON.
    private func payload(of event: License.Event) throws -> String {
        let object = try JSONSerialization.jsonObject(with: encoder(pretty: false).encode(event)) as? [String: Any]
        let fields = object?.values.first ?? [String: Any]()
        let data = try JSONSerialization.data(withJSONObject: fields, options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }
}
