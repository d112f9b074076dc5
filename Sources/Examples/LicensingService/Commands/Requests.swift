public import ArgumentParser
internal import Daybook
internal import DaybookAdmin
internal import Foundation
public import Licensing

/// A command of the domain. It prints the aggregate after the command.
private protocol RequestCommand: AsyncParsableCommand {
    associatedtype View: Encodable
    var requestOptions: RequestOptions { get }
    var options: StoreOptions { get }
    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> View
}

extension RequestCommand {
    func run() async throws {
        let request = requestOptions.request
        try await options.withLicensing { print(try json(await perform($0, request))) }
    }
}

struct Acquire: RequestCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a member download a title: issue a licence, unless a limit is met.")

    @Option(help: "Whose it is to be.") var member: String
    @Option(help: "The device that is to play.") var device: String
    @Option(help: "What is downloaded.") var title: String
    @Option(help: "Who owns the title.") var studio: String
    @OptionGroup(title: "Request") var requestOptions: RequestOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> LicenseView {
        LicenseView(try await licensing.acquire(member: member, device: device, title: title, studio: studio, request))
    }
}

struct Downloaded: RequestCommand {
    static let configuration = CommandConfiguration(abstract: "The download of a licence has arrived.")

    @Argument(help: "The licence's id.") var license: String
    @OptionGroup(title: "Request") var requestOptions: RequestOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> LicenseView {
        LicenseView(try await licensing.confirmDownload(license, request))
    }
}

struct Sessions: RequestCommand {
    static let configuration = CommandConfiguration(abstract: "What a device reports of its playback.")

    @Argument(help: "The licence's id.") var license: String
    @Argument(help: "JSON: [{\"id\": uuid, \"kind\": \"started\" or \"stopped\", \"occurredAt\": date}].") var batch:
        String
    @OptionGroup(title: "Request") var requestOptions: RequestOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> LicenseView {
        LicenseView(
            try await licensing.recordSessions(try decode([License.Session].self, from: batch), of: license, request))
    }
}

struct Renew: RequestCommand {
    static let configuration = CommandConfiguration(abstract: "Let a licence run on.")

    @Argument(help: "The licence's id.") var license: String
    @OptionGroup(title: "Request") var requestOptions: RequestOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> LicenseView {
        LicenseView(try await licensing.renew(license, request))
    }
}

struct Expire: RequestCommand {
    static let configuration = CommandConfiguration(abstract: "Note that a licence's time is over.")

    @Argument(help: "The licence's id.") var license: String
    @OptionGroup(title: "Request") var requestOptions: RequestOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> LicenseView {
        LicenseView(try await licensing.expire(license, request))
    }
}

struct Release: RequestCommand {
    static let configuration = CommandConfiguration(abstract: "Give a licence back.")

    @Argument(help: "The licence's id.") var license: String
    @Option(help: "Why.") var reason: String
    @OptionGroup(title: "Request") var requestOptions: RequestOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> LicenseView {
        LicenseView(try await licensing.release(license, reason: reason, request))
    }
}

struct Revoke: RequestCommand {
    static let configuration = CommandConfiguration(abstract: "Take a licence away.")

    @Argument(help: "The licence's id.") var license: String
    @Option(help: "Why.") var reason: String
    @Option(help: "Who does it.") var `operator`: String
    @OptionGroup(title: "Request") var requestOptions: RequestOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> LicenseView {
        LicenseView(try await licensing.revoke(license, reason: reason, operator: `operator`, request))
    }
}

struct Plan: RequestCommand {
    static let configuration = CommandConfiguration(abstract: "Change a member's plan.")

    @Argument(help: "The member's id.") var member: String
    @Argument(help: "basic, standard or premium.") var plan: Member.Plan
    @OptionGroup(title: "Request") var requestOptions: RequestOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> MemberView {
        MemberView(try await licensing.changePlan(of: member, to: plan, request))
    }
}

struct RemoveDevice: RequestCommand {
    static let configuration = CommandConfiguration(abstract: "Release every licence on a device.")

    @Argument(help: "The member's id.") var member: String
    @Argument(help: "The device.") var device: String
    @OptionGroup(title: "Request") var requestOptions: RequestOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> MemberView {
        MemberView(try await licensing.removeDevice(device, of: member, request))
    }
}

struct CorrectExpiry: RequestCommand {
    static let configuration = CommandConfiguration(abstract: "Put the end of a licence right.")

    @Argument(help: "The licence's id.") var license: String
    @Option(help: "The right end, RFC 3339.") var to: Date
    @Option(help: "Why.") var reason: String
    @Option(help: "Who does it.") var `operator`: String
    @OptionGroup(title: "Request") var requestOptions: RequestOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> LicenseView {
        LicenseView(
            try await licensing.correctExpiry(of: license, to: to, reason: reason, operator: `operator`, request))
    }
}

struct CorrectDownloads: RequestCommand {
    static let configuration = CommandConfiguration(abstract: "Put right how often a member has downloaded a title.")

    @Argument(help: "The member's id.") var member: String
    @Argument(help: "The title.") var title: String
    @Option(help: "The right count.") var count: Int
    @Option(help: "Why.") var reason: String
    @Option(help: "Who does it.") var `operator`: String
    @OptionGroup(title: "Request") var requestOptions: RequestOptions
    @OptionGroup(title: "Store") var options: StoreOptions

    func perform(_ licensing: LicensingApplication<DaybookStore>, _ request: Request) async throws -> Title {
        try await licensing.correctDownloadCount(
            of: title, for: member, to: count, reason: reason, operator: `operator`, request
        ).state
    }
}

extension Member.Plan: ExpressibleByArgument {}
