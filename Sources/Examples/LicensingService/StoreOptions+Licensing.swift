internal import Daybook
internal import DaybookAdmin
internal import Foundation
internal import Licensing

extension StoreOptions {
    /// Runs `body` with the service's application.
    func withLicensing(
        isolation: isolated (any Actor)? = #isolation, _ body: (LicensingApplication<DaybookStore>) async throws -> Void
    ) async throws {
        try await withStore(of: LicensingAdmin.self) {
            try await body(LicensingApplication(store: $0, policies: .service))
        }
    }
}
