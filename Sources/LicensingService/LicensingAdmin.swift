internal import ArgumentParser
internal import Daybook
internal import DaybookAdmin
internal import Foundation
internal import Licensing

/// What Daybook's admin commands know of this application.
enum LicensingAdmin: AdminApplication {
    static let name = "licensing"
    static let aggregates = licensingAggregates

    static func failure(for error: any Error) -> CommandFailure? {
        switch error {
        case let refusal as Refusal: CommandFailure(refusal.sentence, label: "refused", exitCode: .findings)
        case let error as LicensingError: CommandFailure(error.sentence)
        default: nil
        }
    }
}

extension StoreOptions {
    /// Runs `body` with the service's application.
    func withLicensing(
        isolation: isolated (any Actor)? = #isolation, _ body: (LicensingApplication<DaybookStore>) async throws -> Void
    ) async throws {
        try await withStore(of: LicensingAdmin.self) { try await body(LicensingApplication(store: $0, policies: .service)) }
    }
}

extension PolicyBook {
    /// The service's policies: since July 2025 a licence runs for 45 days instead of 30.
    static let service: PolicyBook = {
        var second = Policy()
        second.version = 2
        second.effectiveFrom = Date(timeIntervalSince1970: 1_751_328_000)
        second.licenseDays = 45
        return PolicyBook([Policy(), second])
    }()
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
