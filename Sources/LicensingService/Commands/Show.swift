internal import ArgumentParser
internal import Daybook
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
