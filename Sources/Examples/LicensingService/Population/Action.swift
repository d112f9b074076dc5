internal import Daybook
internal import Foundation
internal import Licensing

/// A request of a member or of the business.
enum Action: Sendable {
    case acquire(device: String, title: String, studio: String)
    case confirmDownload(String)
    case recordSessions(String, [License.Session])
    case renew(String)
    case expire(String)
    case release(String, reason: String)
    case revoke(String, reason: String)
    case correctExpiry(String, to: Date, reason: String)
    case changePlan(Member.Plan)
    case removeDevice(String)
    case correctDownloadCount(title: String, count: Int, reason: String)

    /// Whether the business makes the request, and not the member.
    var isOperators: Bool {
        switch self {
        case .revoke, .correctExpiry, .correctDownloadCount: true
        default: false
        }
    }

    /// The aggregate of the request, as it is after it.
    struct Reply: Sendable {
        var id: AggregateID
        var version: Int64
        var license: License?
    }

    func perform<Store>(
        for member: String, by operator: String, in licensing: LicensingApplication<Store>, _ request: Request
    ) async throws -> Reply {
        func reply(_ license: Snapshot<License>) -> Reply {
            Reply(id: license.id, version: license.version, license: license.state)
        }
        switch self {
        case .acquire(let device, let title, let studio):
            return reply(
                try await licensing.acquire(member: member, device: device, title: title, studio: studio, request))
        case .confirmDownload(let id): return reply(try await licensing.confirmDownload(id, request))
        case .recordSessions(let id, let batch):
            return reply(try await licensing.recordSessions(batch, of: id, request))
        case .renew(let id): return reply(try await licensing.renew(id, request))
        case .expire(let id): return reply(try await licensing.expire(id, request))
        case .release(let id, let reason): return reply(try await licensing.release(id, reason: reason, request))
        case .revoke(let id, let reason):
            return reply(try await licensing.revoke(id, reason: reason, operator: `operator`, request))
        case .correctExpiry(let id, let date, let reason):
            return reply(
                try await licensing.correctExpiry(of: id, to: date, reason: reason, operator: `operator`, request))
        case .changePlan(let plan):
            let member = try await licensing.changePlan(of: member, to: plan, request)
            return Reply(id: member.id, version: member.version)
        case .removeDevice(let device):
            let member = try await licensing.removeDevice(device, of: member, request)
            return Reply(id: member.id, version: member.version)
        case .correctDownloadCount(let title, let count, let reason):
            let title = try await licensing.correctDownloadCount(
                of: title, for: member, to: count, reason: reason, operator: `operator`, request)
            return Reply(id: title.id, version: title.version)
        }
    }
}
