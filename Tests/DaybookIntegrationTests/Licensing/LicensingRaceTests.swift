import Daybook
import Foundation
import IntegrationSupport
import Licensing
import Testing

/// The limits, when twenty ask at once.
@Suite struct LicensingRaceTests {
    private static let tasks = 20
    private let start = Date(timeIntervalSince1970: 1_750_000_000)

    /// Each task has a connection of its own: who waits for one beside nineteen that try again and again may wait for
    /// longer than a store lets it.
    private func withStore(_ body: (DaybookStore) async throws -> Void) async throws {
        try await withTestStore(for: licensingAggregates, configure: { $0.maximumConnections = 2 * Self.tasks }, body)
    }

    /// Twenty acquisitions at once: who was granted what, and why the others were refused.
    private func race(
        _ licensing: LicensingApplication<DaybookStore>, at now: Date,
        _ order: @escaping @Sendable (Int) -> (key: String, device: String, title: String)
    ) async throws -> (granted: Set<String>, refusals: [Refusal: Int]) {
        try await withThrowingTaskGroup(of: Result<String, Refusal>.self) { group in
            for task in 1...Self.tasks {
                group.addTask {
                    let (key, device, title) = order(task)
                    do {
                        return .success(
                            try await licensing.acquire(
                                member: "m-1", device: device, title: title, studio: "s-1", Request(key: key, at: now)
                            ).id.key)
                    } catch let refusal as Refusal {
                        return .failure(refusal)
                    }
                }
            }
            var granted: Set<String> = []
            var refusals: [Refusal: Int] = [:]
            for try await result in group {
                switch result {
                case .success(let id): granted.insert(id)
                case .failure(let refusal): refusals[refusal, default: 0] += 1
                }
            }
            return (granted, refusals)
        }
    }

    @Test("twenty devices at once get two licences under a plan for two devices", .timeLimit(.minutes(1)))
    func deviceLimit() async throws {
        try await withStore { store in
            let licensing = LicensingApplication(store: store)
            _ = try await licensing.changePlan(of: "m-1", to: .standard)
            let (granted, refusals) = try await race(licensing, at: start) { ("k-\($0)", "d-\($0)", "t-\($0)") }
            #expect(granted.count == 2)
            #expect(refusals == [Refusal(.deviceLimitReached, limit: 2): 18])
            let member = try await licensing.member("m-1").state
            #expect(Set(member.open.map(\.license)) == granted && member.devices.count == 2)
            #expect(try await licensing.licenses(of: "m-1").items.count == 2)
        }
    }

    @Test(
        "a title is downloaded three times a year by twenty devices at once, and three times again a year later",
        .timeLimit(.minutes(1)))
    func yearlyLimit() async throws {
        try await withStore { store in
            var policy = Policy()
            policy.devices[.basic] = Self.tasks
            let licensing = LicensingApplication(store: store, policies: PolicyBook([policy]))
            let limit = Refusal(.titleYearlyLimitReached, limit: 3)
            let first = try await race(licensing, at: start) { ("a-\($0)", "d-\($0)", "t-1") }
            #expect(first.granted.count == 3 && first.refusals == [limit: 17])
            // Their devices are free again by then.
            for id in first.granted { _ = try await licensing.release(id, reason: "watched", Request(at: start)) }
            let early = try await race(licensing, at: start + 365 * 86_400 - 0.001) { ("b-\($0)", "d-\($0)", "t-1") }
            #expect(early.granted.isEmpty && early.refusals == [limit: 20])
            let later = try await race(licensing, at: start + 365 * 86_400) { ("c-\($0)", "d-\($0)", "t-1") }
            #expect(later.granted.count == 3 && later.refusals == [limit: 17])
            #expect(try await licensing.title("t-1", of: "m-1").state.downloads.count == 6)
        }
    }

    @Test("one licence is open per device and title, whichever of twenty requests comes first", .timeLimit(.minutes(1)))
    func oneOpen() async throws {
        try await withStore { store in
            let licensing = LicensingApplication(store: store)
            let (granted, refusals) = try await race(licensing, at: start) { ("k-\($0)", "d-1", "t-1") }
            #expect(granted.count == 1 && refusals == [Refusal(.licenseAlreadyOpen, limit: 1): 19])
            #expect(try await licensing.title("t-1", of: "m-1").state.downloads.count == 1)
        }
    }

    @Test("G3: twenty retries of one acquisition at once are one licence", .timeLimit(.minutes(1)))
    func oneKey() async throws {
        try await withStore { store in
            let licensing = LicensingApplication(store: store)
            let (granted, refusals) = try await race(licensing, at: start) { _ in ("k-1", "d-1", "t-1") }
            #expect(granted == [License.id(member: "m-1", key: "k-1")] && refusals.isEmpty)
            #expect(try await licensing.member("m-1").version == 1)
            #expect(try await licensing.title("t-1", of: "m-1").version == 1)
        }
    }

    @Test(
        "a device that is removed while twenty licences are acquired on it holds only licences that came after the removal",
        .timeLimit(.minutes(1)))
    func removal() async throws {
        try await withStore { store in
            let licensing = LicensingApplication(store: store)
            async let race = race(licensing, at: start) { ("k-\($0)", "d-1", "t-\($0)") }
            async let removed = licensing.removeDevice("d-1", of: "m-1", Request(key: "remove", at: start))
            let granted = try await race.granted
            _ = try await removed
            let open = Set(try await licensing.member("m-1").state.open.map(\.license))
            for id in granted {
                let status = try await licensing.license(id).state.status
                #expect(status == (open.contains(id) ? .issued : .released))
            }
            #expect(granted.count == 20)
        }
    }
}
