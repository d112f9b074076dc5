import Daybook
import Foundation
import IntegrationSupport
import Licensing
import Synchronization

/// Random requests of sixteen tasks at eight members, without end. It says `done` after each, also of one that was
/// refused.
struct LicensingWork: Sendable {
    let licensing: LicensingApplication<DaybookStore>
    let key: String
    private let licenses: Licenses

    /// The ids that were given out.
    private final class Licenses: Sendable {
        let ids = Mutex<[String]>([])
    }

    init(_ store: DaybookStore, key: String) {
        licensing = LicensingApplication(store: store)
        self.key = key
        licenses = Licenses()
    }

    func run(_ say: @escaping @Sendable (String) throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<16 {
                group.addTask {
                    for number in 0... {
                        do {
                            try await request("\(key)-\(task)-\(number)", day: number)
                        } catch is Refusal {}
                        try say("done")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func request(_ id: String, day: Int) async throws {
        let request = Request(key: id, at: Date(timeIntervalSince1970: 1_750_000_000 + Double(day) * 86_400))
        let member = "\(key)-m-\(Int.random(in: 1...8))"
        let device = "d-\(Int.random(in: 1...5))"
        guard let license = licenses.ids.withLock({ $0.randomElement() }), Int.random(in: 0..<10) >= 4 else {
            let title = "t-\(Int.random(in: 1...6))"
            let new = try await licensing.acquire(member: member, device: device, title: title, studio: "s-1", request)
            licenses.ids.withLock { $0.append(new.id.key) }
            return
        }
        switch Int.random(in: 0..<9) {
        case 0: _ = try await licensing.confirmDownload(license, request)
        case 1:
            let session = License.Session(id: UUID(), kind: .started, occurredAt: request.now ?? Date())
            _ = try await licensing.recordSessions([session], of: license, request)
        case 2: _ = try await licensing.renew(license, request)
        case 3: _ = try await licensing.expire(license, request)
        case 4, 5: _ = try await licensing.release(license, reason: "watched", request)
        case 6: _ = try await licensing.revoke(license, reason: "abuse", operator: "o-1", request)
        case 7:
            _ = try await licensing.changePlan(of: member, to: Member.Plan.allCases.randomElement() ?? .basic, request)
        default: _ = try await licensing.removeDevice(device, of: member, request)
        }
    }
}
