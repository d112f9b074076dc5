internal import ArgumentParser
internal import Daybook
internal import DaybookAdmin
internal import Foundation
internal import Licensing

struct ShowLicense: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "license", abstract: "Print one licence, as it is or as it was.")

    @Argument(help: "The licence's id.") var license: String
    @Option(help: "As it was after this many events.") var version: Int64?
    @Option(help: "As it was at this time, RFC 3339.") var asOf: Date?
    @OptionGroup(title: "Store") var options: StoreOptions

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
