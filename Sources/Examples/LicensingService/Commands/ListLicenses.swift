public import ArgumentParser
internal import Daybook
internal import DaybookAdmin
internal import DaybookBSON
internal import Foundation
internal import Licensing

struct ListLicenses: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "licenses",
        abstract: "Print licences from their snapshots, one line of JSON each.",
        discussion: """
            Ordered by expiry. Without a filter, all of them. A filter is MongoDB's, as extended JSON, on the stored \
            document: '{"state.renewals": {"$gte": 2}, "state.expiresAt": {"$lt": {"$date": "2025-06-01T00:00:00Z"}}}'
            """
    )

    @Argument(help: "A MongoDB filter in extended JSON.")
    var filter: String?

    @Option(help: "Only this member's.")
    var member: String?

    @Option(help: "Only with this status: \(License.Status.allCases.map(\.rawValue).joined(separator: ", ")).")
    var status: License.Status?

    @Option(help: "Only renewed at least so often.")
    var renewedAtLeast: Int?

    @Option(help: "At most so many.")
    var limit: Int?

    @Flag(help: "Print how many, and not which.")
    var count = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") }
    }

    func run() async throws {
        var filters: [Filter<License>] = []
        do {
            if let filter { filters.append(.raw(try BSONDocument(extendedJSON: filter))) }
        } catch {
            throw ValidationError("The filter cannot be read: \(error)")
        }
        if let member { filters.append(\.member == member) }
        if let status { filters.append(\.status == status) }
        if let renewedAtLeast { filters.append(\.renewals >= renewedAtLeast) }
        let wanted = Filter.all(filters)
        try await options.withStore(of: LicensingAdmin.self) { store in
            let licenses = store.repository(License.self)
            if count { return print(try await licenses.count(where: wanted)) }
            for try await license in licenses.query(where: wanted, sort: [.ascending(\.expiresAt)], limit: limit) {
                print(try json(LicenseView(license)))
            }
        }
    }
}

extension License.Status: ExpressibleByArgument {}
