internal import ArgumentParser
internal import Daybook
internal import DaybookAdmin
internal import DaybookSubscriptions
internal import Licensing

/// This application, for Daybook's admin commands.
enum LicensingAdmin: AdminApplication {
    static let name = "licensing"
    static let aggregates = licensingAggregates
    static var subscriptions: [Subscription] { licensingSubscriptions }

    static func failure(for error: any Error) -> CommandFailure? {
        switch error {
        case let refusal as Refusal: CommandFailure(refusal.sentence, label: "refused", exitCode: .findings)
        case let error as LicensingError: CommandFailure(error.sentence)
        default: nil
        }
    }
}

extension Refusal {
    fileprivate var sentence: String { reason.rawValue + (limit.map { " (limit \($0))" } ?? "") }
}

extension LicensingError {
    fileprivate var sentence: String {
        switch self {
        case .unknownLicense(let id): "there is no licence \"\(id)\""
        case .invalidMember(let id): "\"\(id)\" cannot be a member: an id is not empty and has no colon"
        }
    }
}
