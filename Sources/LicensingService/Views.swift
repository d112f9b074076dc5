internal import Daybook
internal import DaybookAdmin
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

/// A member as it is printed.
struct MemberView: Encodable {
    let id: String
    let version: Int64
    let plan: Member.Plan
    let devices: [String]
    let open: [Member.OpenLicense]

    init(_ snapshot: Snapshot<Member>) {
        let member = snapshot.state
        (id, version, plan, open) = (snapshot.id.key, snapshot.version, member.plan, member.open)
        devices = member.devices.sorted()
    }
}

/// `value` as JSON; `pretty` over several lines.
func json(_ value: some Encodable, pretty: Bool = false) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
        pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .custom { date, encoder in
        var container = encoder.singleValueContainer()
        try container.encode(date.rfc3339)
    }
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// Dates as ``json(_:pretty:)`` writes them.
func decode<Value: Decodable>(_ type: Value.Type, from text: String) throws -> Value {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .custom { decoder in
        let container = try decoder.singleValueContainer()
        guard let date = Date(rfc3339: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a date as RFC 3339 writes it")
        }
        return date
    }
    return try decoder.decode(type, from: Data(text.utf8))
}
