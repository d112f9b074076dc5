internal import Foundation
internal import Licensing

extension PolicyBook {
    /// The service's policies: since July 2025 a licence is valid for 45 days instead of 30.
    static let service: PolicyBook = {
        var second = Policy()
        second.version = 2
        second.effectiveFrom = Date(timeIntervalSince1970: 1_751_328_000)
        second.licenseDays = 45
        return PolicyBook([Policy(), second])
    }()
}
