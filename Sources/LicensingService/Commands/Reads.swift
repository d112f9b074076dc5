internal import ArgumentParser
internal import Daybook
internal import Foundation
internal import Licensing

struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print one licence, as it is or as it was.")

    @Argument(help: "The licence's id.") var license: String
    @Option(help: "As it was after this many events.") var version: Int64?
    @Option(help: "As it was at this time, RFC 3339.") var asOf: Date?
    @OptionGroup var options: StoreOptions

    func validate() throws {
        if version != nil, asOf != nil { throw ValidationError("Give --version or --as-of, not both.") }
    }

    func run() async throws {
        let point = version.map(PointInHistory.version) ?? asOf.map(PointInHistory.date)
        try await options.withLicensing { licensing in
            print(try json(LicenseView(await licensing.license(license, at: point)), pretty: true))
        }
    }
}

struct ShowMember: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "member", abstract: "Print a member, with every open licence.")

    @Argument(help: "The member's id.") var member: String
    @OptionGroup var options: StoreOptions

    func run() async throws {
        try await options.withLicensing { licensing in
            print(try json(MemberView(await licensing.member(member)), pretty: true))
        }
    }
}

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Print the events of one licence, oldest first: when, what, who, and what was asked.")

    @Argument(help: "The licence's id.") var license: String
    @OptionGroup var options: StoreOptions

    func run() async throws {
        try await options.withLicensing { licensing in
            var count = 0
            for try await event in try licensing.events(of: license) {
                guard case .event(let body) = event.body else { continue }
                let who = "\(event.metadata.actor ?? "-")\t\(event.metadata.commandName ?? "-")"
                print(
                    "\(event.version)\t\(event.recordedAt.formatted(milliseconds))\t\(event.type)\t\(who)\t\(try payload(of: body))"
                )
                count += 1
            }
            guard count > 0 else { throw LicensingError.unknownLicense(license) }
        }
    }

    /// The event's own fields as JSON.
    private func payload(of event: License.Event) throws -> String {
        let whole = try json(event)
        guard let colon = whole.firstIndex(of: ":") else { return "{}" }
        return String(whole[whole.index(after: colon)...].dropLast())
    }
}
