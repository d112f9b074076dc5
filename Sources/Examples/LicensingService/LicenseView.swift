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
        (id, version, status) = (snapshot.id.key, snapshot.version, license.status)
        (member, device, title, studio) = (license.member, license.device, license.title, license.studio)
        (expiresAt, reason) = (license.expiresAt, license.reason)
        (renewals, plays, policyVersion) = (license.renewals, license.plays, license.policyVersion)
    }
}
