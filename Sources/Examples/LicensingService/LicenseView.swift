internal import Daybook
internal import Foundation
internal import Licensing

/// A licence as it is printed.
struct LicenseView: Encodable {
    let id: String
    let version: Int64
    let status: License.Status
    let member, device, title, studio: String
    let expiresAt: Date?
    let renewals, plays, policyVersion: Int
    let reason: String?

    init(_ snapshot: Snapshot<License>) {
        let license = snapshot.state
        id = snapshot.id.key
        version = snapshot.version
        status = license.status
        member = license.member
        device = license.device
        title = license.title
        studio = license.studio
        expiresAt = license.expiresAt
        reason = license.reason
        renewals = license.renewals
        plays = license.plays
        policyVersion = license.policyVersion
    }
}
