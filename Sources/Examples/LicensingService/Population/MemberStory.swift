internal import Daybook
internal import Foundation
internal import Licensing

/// A year of one member, determined by the seed and the member's number, and executed in memory. The aggregates decide
/// each request, and what comes next depends on the result.
struct MemberStory {
    /// 2025, the year of every population.
    static let year = Date(timeIntervalSince1970: 1_735_689_600)..<Date(timeIntervalSince1970: 1_767_225_600)

    let member: String
    let batch: BulkBatch
    private(set) var steps: [Step] = []
    private(set) var licenses = 0
    private(set) var refused = 0

    private let wanted: Int
    private let licensing: LicensingApplication<BulkBatch>
    private let clock = StoryClock()
    private var random: SplitMix
    /// The planned steps, the earliest last; of two at one time, the one that was planned first comes first.
    private var agenda: [(time: Date, number: Int, plan: Plan)] = []
    private var planned = 0
    private var number = 0

    private enum Plan {
        case acquire
        case ask(Action)
        /// Shortly before or after the end of a licence: the member may act on it.
        case ending(String, of: Date)
    }

    init(number: Int, seed: UInt64, licenses: Int) {
        member = "m-\(number)"
        wanted = licenses
        random = .derived(from: seed, number)
        batch = BulkBatch(clock: clock.commitClock)
        licensing = LicensingApplication(store: batch, policies: .service)
    }

    /// Executes the year.
    mutating func live() async throws {
        let minutes = 365 * 24 * 60
        let joined = Self.year.lowerBound + random.minutes(0..<60 * 24 * 60)
        if random.chance(0.5) { plan(.ask(.changePlan(random.chance(0.7) ? .standard : .premium)), at: joined) }
        let first = Int(joined.timeIntervalSince(Self.year.lowerBound) / 60) + 1
        for _ in 0..<wanted { plan(.acquire, at: Self.year.lowerBound + random.minutes(first..<minutes)) }
        if random.chance(0.03) { plan(.ask(.changePlan(.basic)), at: joined + random.minutes(0..<minutes)) }
        if random.chance(0.05) { plan(.ask(.removeDevice("phone")), at: joined + random.minutes(0..<minutes)) }
        while let next = agenda.popLast() {
            switch next.plan {
            case .acquire: try await acquire(at: next.time)
            case .ask(let action): try await ask(action, at: next.time)
            case .ending(let license, let expiry): try await end(license, expiry, at: next.time)
            }
        }
    }

    /// Plans a step; steps after the end of the year are dropped.
    private mutating func plan(_ plan: Plan, at time: Date) {
        guard time < Self.year.upperBound else { return }
        planned += 1
        let entry = (time: time, number: planned, plan: plan)
        let place = agenda.partitioningIndex { ($0.time, $0.number) < (entry.time, entry.number) }
        agenda.insert(entry, at: place)
    }

    @discardableResult
    private mutating func ask(_ action: Action, at time: Date) async throws -> Action.Reply? {
        number += 1
        let seed = random.next()
        clock.begin(seed, at: time)
        let outcome = try await Step.perform(
            action, member: member, number: number, at: time, seed: seed, in: licensing)
        steps.append(Step(action: action, member: member, number: number, time: time, seed: seed, outcome: outcome))
        switch outcome {
        case .success(let reply): return reply
        case .failure:
            refused += 1
            return nil
        }
    }

    // MARK: A licence begins

    private static let devices = ["phone", "tablet", "laptop", "tv-box", "car"]

    private mutating func acquire(at time: Date) async throws {
        let policy = PolicyBook.service.policy(at: time)
        var state = try await current()
        let limit = policy.devices[state.plan, default: 0]
        // Sometimes a member tries one device too many.
        if state.devices.count >= limit, random.chance(0.05),
            let device = Self.devices.first(where: { !state.devices.contains($0) })
        {
            let (title, studio) = draw()
            try await ask(.acquire(device: device, title: title, studio: studio), at: time)
        }
        // After a change to a smaller plan, the oldest devices are removed.
        while state.devices.count > limit, let device = state.open.first?.device {
            try await ask(.removeDevice(device), at: time)
            state = try await current()
        }
        var devices = Self.devices.filter { state.devices.contains($0) }
        if devices.count < limit, devices.isEmpty || random.chance(0.4) {
            devices = [Self.devices.first { !state.devices.contains($0) } ?? "phone"]
        }
        let device = devices[random.number(0..<devices.count)]
        for _ in 0..<10 {
            let (title, studio) = draw()
            if try await issue(device: device, title: title, studio: studio, at: time) { return }
        }
        // All popular titles are taken, so use one that no other member has.
        let (title, studio) = ("rare-\(member)-\(licenses)", "studio-0")
        if let oldest = state.open.first(where: { $0.studio == studio }),
            state.open.count(where: { $0.studio == studio }) >= policy.licensesPerStudio
        {
            try await ask(.release(oldest.license, reason: "watched"), at: time)
        }
        _ = try await issue(device: device, title: title, studio: studio, at: time)
    }

    private mutating func issue(device: String, title: String, studio: String, at time: Date) async throws -> Bool {
        let action = Action.acquire(device: device, title: title, studio: studio)
        guard let reply = try await ask(action, at: time), let expiresAt = reply.license?.expiresAt else {
            if steps.last?.isAtYearlyLimit == true, random.chance(0.3) {
                try await ask(.correctDownloadCount(title: title, count: 1, reason: "failed downloads"), at: time + 600)
            }
            return false
        }
        licenses += 1
        use(reply.id.key, from: time)
        plan(.ending(reply.id.key, of: expiresAt), at: expiresAt - random.minutes(60..<3 * 24 * 60))
        return true
    }

    /// Draws a title and its studio. Popular titles are drawn more often than others.
    private mutating func draw() -> (title: String, studio: String) {
        let a = random.number(0..<500)
        let title = a * a / 500 + 1
        return ("t-\(title)", "studio-\(title % 12 + 1)")
    }

    private func current() async throws -> Member {
        let member = member
        return try await batch.transaction { try await $0.load(member, of: Member.self).state }
    }

    // MARK: It is used

    private mutating func use(_ license: String, from time: Date) {
        guard random.chance(0.94) else { return }
        let downloaded = time + random.minutes(1..<90)
        plan(.ask(.confirmDownload(license)), at: downloaded)
        guard random.chance(0.8) else { return }
        var begin = downloaded + random.minutes(10..<6 * 24 * 60)
        var sessions: [License.Session] = []
        for _ in 0..<random.number(1..<4) {
            sessions.append(session(.started, at: begin))
            begin += random.minutes(20..<150)
            sessions.append(session(.stopped, at: begin))
            begin += random.minutes(60..<14 * 60)
        }
        // A device that has not reported that it stopped.
        if random.chance(0.06) { sessions.removeLast() }
        // Now and then, a play after its window.
        if random.chance(0.03) { sessions.append(session(.started, at: begin + 3 * 86_400)) }
        if random.chance(0.6) {
            for session in sessions { plan(.ask(.recordSessions(license, [session])), at: session.occurredAt + 2) }
        } else {
            // Offline: everything arrives later, in any order, and some of it twice.
            let arrival = begin + random.minutes(60..<40 * 24 * 60)
            for index in sessions.indices.reversed() { sessions.swapAt(index, random.number(0..<index + 1)) }
            plan(.ask(.recordSessions(license, sessions + sessions.prefix(1))), at: arrival)
            if random.chance(0.3) { plan(.ask(.recordSessions(license, sessions)), at: arrival + 30) }
        }
    }

    private mutating func session(_ kind: License.Session.Kind, at time: Date) -> License.Session {
        let (high, low) = (random.next(), random.next())
        var bytes: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &bytes) { bytes in
            // Version 4 and its variant, as in RFC 9562.
            bytes.storeBytes(of: (high & ~0xF000 | 0x4000).bigEndian, toByteOffset: 0, as: UInt64.self)
            bytes.storeBytes(of: (low & ~(3 << 62) | 2 << 62).bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return License.Session(id: UUID(uuid: bytes), kind: kind, occurredAt: time)
    }

    // MARK: It ends

    /// Decides what the member does with a licence that is about to end.
    private mutating func end(_ license: String, _ end: Date, at time: Date) async throws {
        switch random.number(0..<100) {
        case ..<30: try await renew(license, at: time)
        case ..<34:
            // Once a day, until it is refused.
            for day in 0..<6 { plan(.ask(.renew(license)), at: time + Double(day) * 86_400) }
        case ..<62: try await ask(.release(license, reason: "watched"), at: time)
        case ..<64: try await ask(.revoke(license, reason: "chargeback"), at: time)
        case ..<65:
            let later = end + 7 * 86_400
            try await ask(.correctExpiry(license, to: later, reason: "outage"), at: time)
            plan(.ask(.expire(license)), at: later + random.minutes(0..<60))
        default:
            plan(.ask(.expire(license)), at: end + random.minutes(0..<60))
            let afterwards = end + random.minutes(24 * 60..<20 * 24 * 60)
            if random.chance(0.2) {
                plan(.ask(.renew(license)), at: afterwards)
            } else if random.chance(0.5) {
                plan(.ask(.release(license, reason: "expired")), at: afterwards)
            }
        }
    }

    private mutating func renew(_ license: String, at time: Date) async throws {
        guard let expiresAt = try await ask(.renew(license), at: time)?.license?.expiresAt else { return }
        plan(.ending(license, of: expiresAt), at: expiresAt - random.minutes(60..<3 * 24 * 60))
    }
}

extension Step {
    fileprivate var isAtYearlyLimit: Bool {
        if case .failure(let refusal) = outcome { refusal.reason == .titleYearlyLimitReached } else { false }
    }
}

extension Array {
    /// The first index whose element is in the second part, of an array that is partitioned.
    fileprivate func partitioningIndex(where isInSecond: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isInSecond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
