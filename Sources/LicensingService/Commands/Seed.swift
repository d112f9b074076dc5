internal import ArgumentParser
internal import Daybook
internal import Foundation
internal import Licensing

struct Seed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fill the store with licences, by real commands.",
        discussion: """
            Licence L-n with the same --seed always meets the same commands, each with a command id of its own: run again, it repeats them \
            without effect, and an interrupted run is completed.
            """
    )

    @Option(help: "How many licences.")
    var licenses = 1_000

    @Option(help: "What the population is drawn from.")
    var seed: UInt64 = 1

    @OptionGroup var options: StoreOptions

    func validate() throws {
        guard (1...10_000_000).contains(licenses) else { throw ValidationError("--licenses is between 1 and 10000000.") }
    }

    func run() async throws {
        try await options.withLicenses { store, repository in
            try await store.initialize(License.self)
            let start = ContinuousClock.now
            let totals = try await populate(repository)
            let elapsed = ContinuousClock.now - start
            let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
            print(
                "\(licenses) licences, \(totals.accepted) commands accepted, \(totals.refused) refused, in \(seconds.formatted(.number.precision(.fractionLength(1)))) s"
            )
        }
    }

    struct Totals: Sendable {
        var accepted = 0
        var refused = 0
    }

    /// Eight licences at a time: enough to keep a server busy that commits one after the other.
    private func populate(_ repository: Repository<License>) async throws -> Totals {
        try await withThrowingTaskGroup(of: Totals.self) { group in
            var totals = Totals()
            var next = 1
            var done = 0
            func add() {
                let number = next
                next += 1
                group.addTask { try await Self.live(number, seed: seed, repository) }
            }
            while next <= min(8, licenses) { add() }
            while let one = try await group.next() {
                totals.accepted += one.accepted
                totals.refused += one.refused
                done += 1
                if done.isMultiple(of: max(1, licenses / 10)) { printError("\(done) of \(licenses) licences") }
                if next <= licenses { add() }
            }
            return totals
        }
    }

    /// One licence's life.
    private static func live(_ number: Int, seed: UInt64, _ repository: Repository<License>) async throws -> Totals {
        var totals = Totals()
        for (index, step) in Life(number: number, seed: seed).steps.enumerated() {
            do {
                try await repository.execute(step.command, on: "L-\(number)", commandID: "seed-\(seed)-\(index)", at: step.time)
                totals.accepted += 1
            } catch is License.Rejection {
                totals.refused += 1
            }
        }
        return totals
    }
}

/// The commands that one licence of a population meets, drawn from the seed and the licence's number alone.
struct Life {
    struct Step {
        var command: License.Command
        var time: Date
    }

    private(set) var steps: [Step] = []

    init(number: Int, seed: UInt64) {
        var random = SplitMix(state: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(number))
        // 2026-01-01, and the year that follows it.
        var time = Date(timeIntervalSince1970: 1_767_225_600 + Double(Int.random(in: 0..<(300 * 86_400), using: &random)))
        let policy = LicensePolicy()
        let grant = License.Grant(
            member: "member-\(Int.random(in: 1...200, using: &random))",
            device: "device-\(Int.random(in: 1...3, using: &random))",
            title: "title-\(Int.random(in: 1...500, using: &random))", studio: "studio-\(Int.random(in: 1...12, using: &random))")
        func add(_ command: License.Command, after hours: ClosedRange<Int>) {
            time.addTimeInterval(Double(Int.random(in: hours, using: &random)) * 3600)
            steps.append(Step(command: command, time: time))
        }
        add(.create(grant, policy: policy, availableUntil: nil), after: 0...0)
        let fate = Int.random(in: 0..<100, using: &random)
        if fate < 15 { return }
        add(.confirmDownload, after: 1...6)
        if fate < 30 { return }
        add(.recordSessions([Self.session(.started, time, &random)], policy: policy), after: 1...24)
        if fate < 40 { return }
        add(.recordSessions([Self.session(.stopped, time.addingTimeInterval(7_200), &random)], policy: policy), after: 2...4)
        if fate < 55 { return }
        // Some try once more than the policy allows, and are refused.
        for _ in 0..<(fate < 60 ? 6 : Int.random(in: 0...3, using: &random)) {
            add(.renew(policy: policy, availableUntil: nil), after: 24...240)
        }
        switch fate {
        case ..<75: return
        case ..<85: add(.expire, after: 800...900)
        case ..<97: add(.release(reason: "watched"), after: 1...48)
        default: add(.revoke(reason: "chargeback", operator: "operator-1"), after: 1...48)
        }
    }

    private static func session(_ kind: License.Session.Kind, _ time: Date, _ random: inout SplitMix) -> License.Session {
        let (high, low) = (random.next(), random.next())
        var bytes = uuid_t(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &bytes) { bytes in
            // Version 4 and its variant, as RFC 9562 has them.
            bytes.storeBytes(of: (high & ~0xF000 | 0x4000).bigEndian, toByteOffset: 0, as: UInt64.self)
            bytes.storeBytes(of: (low & ~(3 << 62) | 2 << 62).bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return License.Session(id: UUID(uuid: bytes), kind: kind, occurredAt: time)
    }
}

/// SplitMix64: small, fast, and the same numbers everywhere for one seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
