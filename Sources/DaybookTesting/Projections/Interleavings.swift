internal import Daybook
internal import DaybookBSON
public import DaybookSubscriptions

/// Checks that the documents of a projection do not depend on how the events of different aggregates interleave.
///
/// A subscription hands a projection the events of each aggregate in the order of their versions. Events of different
/// aggregates come in any order: several processes share the work, and a rebuild reads the journal in another order than
/// the one in which the events were recorded. So a document must be the same, to the byte, in every order that keeps the
/// order along each aggregate. Otherwise `projections verify` reports documents that are merely made in another order,
/// and two rebuilds give two views.
///
/// ```swift
/// try checkInterleavings(
///     of: MemberOverview.self,
///     events: [
///         .events(of: Member.self, "m-1", [.planChanged(plan: .premium)]),
///         .events(of: License.self, "L-1", [.created(member: "m-1", expiresAt: d), .released]),
///         .events(of: License.self, "L-2", [.created(member: "m-1", expiresAt: d)]),
///     ])
/// ```
///
/// The events of the last aggregate first, then the aggregates in turns, then random orders; the same ones in every run.
/// Where two orders give different documents, the failure shows the first such document, in both forms, and two short
/// orders that differ in nothing but their last two events.
///
/// - Parameters:
///   - events: What has happened. An event that comes last in a short history often shows more than a long history.
///   - rounds: How many orders are tried for each document.
///   - seed: The seed of the random orders.
/// - Throws: ``TestFailure/Code/dependsOnInterleaving``; ``TestFailure/Code/notHandled``,
///   ``TestFailure/Code/notDeterministic``, ``TestFailure/Code/notStorable`` and ``TestFailure/Code/wrongField`` for the
///   order in which the events are given.
public func checkInterleavings<P: Projection>(
    of projection: P.Type, events: [GivenEvents], rounds: Int = 100, seed: UInt64 = 0, fileID: String = #fileID,
    line: Int = #line
) throws {
    let place = SourcePlace(fileID: fileID, line: line)
    var fold = ProjectionFold<P>()
    try fold.append(events, place)
    for key in fold.keys {
        _ = try fold.document(key, place)
        let interleavings = Interleavings(of: fold.steps[key] ?? [])
        let check = InterleavingCheck(fold: fold, key: key)
        let straight = interleavings.straight
        let expected = check.outcome(straight)
        var random = SplitMix64(seed: seed)
        for round in 0..<rounds where interleavings.isAny {
            let order = interleavings.order(round, &random)
            guard check.outcome(order) != expected else { continue }
            throw TestFailure(.dependsOnInterleaving, check.message(between: straight, and: order), place)
        }
    }
}

/// The orders of events that keep the order along each aggregate.
private struct Interleavings<P: Projection> {
    private var lanes: [[ProjectionFold<P>.Step]] = []

    init(of steps: [ProjectionFold<P>.Step]) {
        var places: [AggregateID: Int] = [:]
        for step in steps {
            let place = places[step.event.aggregateID, default: lanes.count]
            if place == lanes.count { lanes.append([]) }
            places[step.event.aggregateID] = place
            lanes[place].append(step)
        }
    }

    /// Whether there is more than one.
    var isAny: Bool { lanes.count > 1 }

    /// One aggregate after the other.
    var straight: [ProjectionFold<P>.Step] { lanes.flatMap { $0 } }

    func order(_ round: Int, _ random: inout SplitMix64) -> [ProjectionFold<P>.Step] {
        switch round {
        case 0: return lanes.reversed().flatMap { $0 }
        case 1:
            let longest = lanes.map(\.count).max() ?? 0
            return (0..<longest).flatMap { turn in lanes.compactMap { turn < $0.count ? $0[turn] : nil } }
        default:
            // Every order of the turns is as likely as another, and so is every interleaving.
            var turns = lanes.indices.flatMap { Array(repeating: $0, count: lanes[$0].count) }
            for last in turns.indices.dropFirst().reversed() {
                turns.swapAt(last, Int(random.next() % UInt64(last + 1)))
            }
            var next = [Int](repeating: 0, count: lanes.count)
            return turns.map { lane in
                defer { next[lane] += 1 }
                return lanes[lane][next[lane]]
            }
        }
    }
}

/// Compares what orders of events give, and finds short ones that differ.
private struct InterleavingCheck<P: Projection> {
    typealias Step = ProjectionFold<P>.Step

    let fold: ProjectionFold<P>
    let key: String

    func outcome(_ steps: [Step]) -> ProjectionFold<P>.Outcome { fold.outcome(steps, key) }

    /// What is the same in both orders, and the two events after it that come in one order and in the other.
    private struct Example {
        var before: [Step]
        let last: [Step]

        var first: [Step] { before + last }
        var second: [Step] { before + last.reversed() }
    }

    private func shows(_ example: Example) -> Bool { outcome(example.first) != outcome(example.second) }

    // MARK: Finding a short example

    /// Between two orders lie others, from each of which the next one differs by a single exchange of two neighbours. So
    /// somewhere on the way one exchange makes the difference.
    private func example(between one: [Step], and other: [Step]) -> Example? {
        let expected = outcome(one)
        // The first `count` events of the other order, then the rest in this one's.
        func mixed(_ count: Int) -> [Step] {
            let first = other[..<count]
            let places = Set(first.map(\.event.id))
            return first + one.filter { !places.contains($0.event.id) }
        }
        let count = Self.firstIndex(in: 0..<other.count) { outcome(mixed($0 + 1)) != expected }
        let start = mixed(count)
        guard count < other.count, let from = start.firstIndex(where: { $0.event.id == other[count].event.id }) else {
            return nil
        }
        // Its event moves forward, place by place.
        func moved(to place: Int) -> [Step] {
            var steps = start
            steps.insert(steps.remove(at: from), at: place)
            return steps
        }
        let distance = Self.firstIndex(in: 0..<from - count) { outcome(moved(to: from - 1 - $0)) != expected }
        let place = from - 1 - distance
        guard place >= count else { return nil }
        let example = Example(before: Array(start[..<place]), last: [start[place], start[from]])
        return shows(example) ? shortened(example) : nil
    }

    /// The first index that `isWanted`, when all after it are wanted too; the upper bound when there is none.
    ///
    /// Where that is not so, an index that is wanted and has one before it that is not.
    private static func firstIndex(in range: Range<Int>, _ isWanted: (Int) -> Bool) -> Int {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if isWanted(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Leaves out other aggregates, many at a time and then one by one, and the last events of those that remain.
    private func shortened(_ example: Example) -> Example {
        var example = example
        let needed = Set(example.last.map(\.event.aggregateID))
        var others: [AggregateID] = []
        for step in example.before where !needed.contains(step.event.aggregateID) {
            if !others.contains(step.event.aggregateID) { others.append(step.event.aggregateID) }
        }
        var size = others.count
        while size > 0 {
            for start in stride(from: 0, to: others.count, by: size).reversed() {
                let part = Set(others[start..<min(start + size, others.count)])
                var shorter = example
                shorter.before.removeAll { part.contains($0.event.aggregateID) }
                guard shows(shorter) else { continue }
                example = shorter
                others.removeAll { part.contains($0) }
            }
            size /= 2
        }
        for id in others {
            while let last = example.before.lastIndex(where: { $0.event.aggregateID == id }) {
                var shorter = example
                shorter.before.remove(at: last)
                guard shows(shorter) else { break }
                example = shorter
            }
        }
        return example
    }

    // MARK: Showing it

    func message(between one: [Step], and other: [Step]) -> String {
        let example = example(between: one, and: other)
        let (first, second) = example.map { ($0.first, $0.second) } ?? (one, other)
        let (left, right) = (outcome(first), outcome(second))
        var lines = ["one order:"] + list(first) + ["gives \(text(left))", "another:"] + list(second)
        lines.append("gives \(text(right))")
        if case (.document(let left), .document(let right)) = (left, right) {
            lines += DocumentDifference(left, right).lines("first", "then").map { "  \($0)" }
        }
        return [
            "the document \"\(key)\" of \(P.self) depends on how events of different aggregates interleave. Both "
                + "orders keep the order along each aggregate:"
        ].joined(lines)
    }

    private func list(_ steps: [Step]) -> [String] {
        let lines = steps.suffix(20).map { "  \(ProjectionFold<P>.line($0.event))" }
        return steps.count > lines.count ? ["  (after \(steps.count - lines.count) more)"] + lines : lines
    }

    private func text(_ outcome: ProjectionFold<P>.Outcome) -> String {
        switch outcome {
        case .document(let document): BSONValue.document(document).shown()
        case .failure(let event, let reason):
            "no document: the projection fails at \(ProjectionFold<P>.line(event)): \(reason)"
        }
    }
}
