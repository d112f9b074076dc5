public import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import Foundation
internal import Licensing

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

extension License.Status: ExpressibleByArgument {}
