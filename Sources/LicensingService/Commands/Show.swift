public import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import Foundation
internal import Licensing

struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print one licence, as it is or as it was.")

    @Argument(help: "The licence's key, as in L-1.")
    var key: String

    @Option(help: "As it was after this many events.")
    var version: Int64?

    @OptionGroup var options: StoreOptions

    func run() async throws {
        try await options.withLicenses { _, licenses in
            let license: Snapshot<License>
            if let version {
                license = try await licenses.load(key, at: .version(version))
            } else {
                license = try await licenses.load(key)
            }
            guard license.exists || version == 0 else {
                printError("error: there is no licence \"\(key)\"")
                throw ExitCode(2)
            }
            print(try LicenseView(license).json(pretty: true))
        }
    }
}

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

struct Query: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print licences from their snapshots, one line of JSON each.",
        discussion: """
            Ordered by expiry. Without a filter, all of them. A filter is MongoDB's, as extended JSON, on the stored document: \
            '{"state.renewals": {"$gte": 2}, "state.expiresAt": {"$lt": {"$date": "2026-06-01T00:00:00Z"}}}'
            """
    )

    @Argument(help: "A MongoDB filter in extended JSON.")
    var filter: String?

    @Option(help: "Only with this status: \(License.Status.allCases.map(\.rawValue).joined(separator: ", ")).")
    var status: License.Status?

    @Option(help: "Only renewed at least so often.")
    var renewedAtLeast: Int?

    @Option(help: "At most so many.")
    var limit: Int?

    @OptionGroup var options: StoreOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") }
        if filter != nil, status != nil || renewedAtLeast != nil {
            throw ValidationError("Give a filter or --status and --renewed-at-least, not both.")
        }
    }

    func run() async throws {
        let document: BSONDocument?
        do {
            document = try filter.map { try BSONDocument(extendedJSON: $0) }
        } catch {
            throw ValidationError("The filter cannot be read: \(error)")
        }
        try await options.withLicenses { _, licenses in
            let order: [Sort<License>] = [.ascending(\.expiresAt)]
            if let document {
                for try await license in licenses.query(matching: document, sort: order, limit: limit) {
                    print(try LicenseView(license).json(pretty: false))
                }
                return
            }
            var filters: [Filter<License>] = []
            if let status { filters.append(\.status == status) }
            if let renewedAtLeast { filters.append(\.renewals >= renewedAtLeast) }
            let filter = filters.isEmpty ? nil : filters.dropFirst().reduce(filters[0]) { $0 && $1 }
            for try await license in licenses.query(where: filter, sort: order, limit: limit) {
                print(try LicenseView(license).json(pretty: false))
            }
        }
    }
}

struct Renew: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Renew one licence; a refusal is printed with its reason.")

    @Argument(help: "The licence's key, as in L-1.")
    var key: String

    @Option(help: "The command's id: repeated with the same one, it takes effect once.")
    var commandID: String?

    @OptionGroup var options: StoreOptions

    func run() async throws {
        try await options.withLicenses { store, licenses in
            try await store.initialize(License.self)
            if let commit = try await licenses.execute(
                .renew(policy: LicensePolicy(), availableUntil: nil), on: key, commandID: commandID)
            {
                print("renewed: \(key) is at version \(commit.version)")
            }
        }
    }
}

extension License.Status: ExpressibleByArgument {}

/// A licence as it is printed.
struct LicenseView: Encodable {
    let id: String
    let version: Int64
    let status: License.Status
    let member: String?
    let device: String?
    let title: String?
    let studio: String?
    let expiresAt: Date?
    let renewals: Int
    let plays: Int
    let reason: String?
    let policyVersion: Int?

    init(_ snapshot: Snapshot<License>) {
        let license = snapshot.state
        id = snapshot.id.key
        version = snapshot.version
        status = license.status
        member = license.grant?.member
        device = license.grant?.device
        title = license.grant?.title
        studio = license.grant?.studio
        expiresAt = license.expiresAt
        renewals = license.renewals
        plays = license.plays
        reason = license.reason
        policyVersion = license.policyVersion
    }

    func json(pretty: Bool) throws -> String {
        String(decoding: try encoder(pretty: pretty).encode(self), as: UTF8.self)
    }
}

/// RFC 3339 in UTC, to the millisecond.
let milliseconds = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

func encoder(pretty: Bool) -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
        pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .custom { date, encoder in
        var container = encoder.singleValueContainer()
        try container.encode(date.formatted(milliseconds))
    }
    return encoder
}
