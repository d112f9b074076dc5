internal import Daybook
internal import DaybookAdmin
internal import Foundation
internal import Licensing

/// The stories of many members: the same for the same numbers, in whatever order they are executed.
struct Population: Sendable {
    struct Totals: Sendable {
        var licenses = 0
        var accepted = 0
        var refused = 0
        var events = 0

        static func += (total: inout Totals, story: MemberStory) {
            total.licenses += story.licenses
            total.accepted += story.steps.count - story.refused
            total.refused += story.refused
            total.events += story.batch.events
        }
    }

    /// The population differs from what the database holds.
    struct Disagreement: Error, CustomStringConvertible {
        let description: String
    }

    let seed: UInt64
    /// How many licences each member acquires: some members many, most few.
    private let shares: [Int]

    init(members: Int, licenses: Int, seed: UInt64) {
        self.seed = seed
        var shares = [Int](repeating: 0, count: members)
        var random = SplitMix(state: seed)
        for _ in 0..<licenses {
            let (a, b) = (random.number(0..<members), random.number(0..<members))
            shares[min(a, b)] += 1
        }
        self.shares = shares
    }

    /// Runs `tell` with every member's story, several at a time. Stories share nothing, so their order does not matter.
    func forEach(
        atOnce: Int, _ progress: ProgressDisplay, _ tell: @escaping @Sendable (MemberStory) async throws -> Void
    ) async throws -> Totals {
        try await withThrowingTaskGroup(of: MemberStory.self) { group in
            var totals = Totals()
            var next = 0
            func add() {
                guard next < shares.count else { return }
                let number = next
                next += 1
                group.addTask {
                    var story = MemberStory(number: number + 1, seed: seed, licenses: shares[number])
                    try await story.live()
                    try await tell(story)
                    return story
                }
            }
            for _ in 0..<atOnce { add() }
            while let story = try await group.next() {
                totals += story
                progress.update(totals.licenses)
                add()
            }
            return totals
        }
    }
}

extension MemberStory {
    /// Executes the story's steps as real commands. Steps that an earlier run has executed are skipped.
    func tell(to licensing: LicensingApplication<DaybookStore>, _ pace: Pace?) async throws {
        let clock = StoryClock()
        for step in steps[try await firstStep(toTell: licensing)...] {
            try await pace?.wait()
            clock.begin(step.seed, at: step.time)
            let outcome = try await StoryClock.$current.withValue(clock) {
                try await Step.perform(
                    step.action, member: member, number: step.number, at: step.time, seed: step.seed, in: licensing)
            }
            guard outcome.agrees(with: step.outcome) else {
                throw Population.Disagreement(
                    description:
                        "request \(step.number) of member \(member) ended otherwise than it should have: the database "
                        + "has other data"
                )
            }
        }
    }

    /// The first step that is not yet executed: each step is one commit, and they are committed in order.
    private func firstStep(toTell licensing: LicensingApplication<DaybookStore>) async throws -> Int {
        var versions: [AggregateID: Int64] = [:]
        var first = 0
        for (index, step) in steps.enumerated() {
            guard case .success(let reply) = step.outcome else { continue }
            let version: Int64
            if let known = versions[reply.id] {
                version = known
            } else {
                version = try await licensing.store.version(of: reply.id)
                versions[reply.id] = version
            }
            guard version >= reply.version else { break }
            first = index + 1
        }
        return first
    }
}

extension DaybookStore {
    fileprivate func version(of id: AggregateID) async throws -> Int64 {
        switch id.type {
        case License.type: try await repository(License.self).load(id.key).version
        case Member.type: try await repository(Member.self).load(id.key).version
        default: try await repository(Title.self).load(id.key).version
        }
    }
}

extension Result where Success == Action.Reply, Failure == Refusal {
    fileprivate func agrees(with other: Self) -> Bool {
        switch (self, other) {
        case (.success(let one), .success(let two)): one.id == two.id && one.version == two.version
        case (.failure(let one), .failure(let two)): one == two
        default: false
        }
    }
}
