internal import ArgumentParser
internal import Daybook
internal import DaybookAdmin
internal import Licensing

struct ShowMember: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "member", abstract: "Print a member, with every open licence.")

    @Argument(help: "The member's id.") var member: String
    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        try await options.withLicensing { licensing in
            print(try json(MemberView(await licensing.member(member)), pretty: true))
        }
    }
}
