internal import Daybook
internal import Foundation
internal import Licensing

/// A licence as it is printed.
struct LicenseView: Encodable {
    let id: String
    let version: Int64
    let status: License.Status
    let member: String?
    let device: String?
    let title: String?
    let studio: String?
    let expiresAt: Date?
    let renewals: Int
    let plays: Int
    let reason: String?
    let policyVersion: Int?

    init(_ snapshot: Snapshot<License>) {
        let license = snapshot.state
        id = snapshot.id.key
        version = snapshot.version
        status = license.status
        member = license.grant?.member
        device = license.grant?.device
        title = license.grant?.title
        studio = license.grant?.studio
        expiresAt = license.expiresAt
        renewals = license.renewals
        plays = license.plays
        reason = license.reason
        policyVersion = license.policyVersion
    }

    func json(pretty: Bool) throws -> String {
        String(decoding: try encoder(pretty: pretty).encode(self), as: UTF8.self)
    }
}

/// RFC 3339 in UTC, to the millisecond.
let milliseconds = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

func encoder(pretty: Bool) -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
        pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .custom { date, encoder in
        var container = encoder.singleValueContainer()
        try container.encode(date.formatted(milliseconds))
    }
    return encoder
}
