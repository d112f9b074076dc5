internal import ArgumentParser
internal import Daybook
internal import Foundation
internal import Licensing

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
