internal import Daybook
internal import DaybookBSON

/// Two lists of events as a diff. `-` marks an expected event, `+` an actual one, and below a pair of the same type are
/// the paths at which the two differ.
///
/// ```
///   1 created { "member" : "m-1" }
/// - 2 renewed { "expiresAt" : { "$date" : "2026-02-01T00:00:00Z" } }
/// + 2 renewed { "expiresAt" : { "$date" : "2026-02-02T00:00:00Z" } }
///     expiresAt: expected { "$date" : "2026-02-01T00:00:00Z" }, got { "$date" : "2026-02-02T00:00:00Z" }
/// ```
struct EventDifference {
    private(set) var lines: [String] = []

    init(_ expected: [EventContent], _ actual: [EventContent]) {
        let (removed, inserted) = Self.changes(expected, actual)
        var (left, right) = (0, 0)
        while left < expected.count || right < actual.count {
            let lost = take(&left, expected, in: removed)
            let found = take(&right, actual, in: inserted)
            lines += lost.map { "- \(Self.line(expected, $0))" } + found.map { "+ \(Self.line(actual, $0))" }
            for (lost, found) in zip(lost, found) where expected[lost].type == actual[found].type {
                lines += Self.paths(expected[lost], actual[found]).map { "    \($0)" }
            }
            if left < expected.count, right < actual.count {
                lines.append("  \(Self.line(actual, right))")
                left += 1
                right += 1
            }
        }
        if lines.isEmpty { lines = ["  no events"] }
    }

    /// The positions of the expected events that are missing, and of the actual events that were not expected.
    private static func changes(_ expected: [EventContent], _ actual: [EventContent]) -> (Set<Int>, Set<Int>) {
        // With equally many events on both sides, events at the same position belong together. Otherwise some were
        // inserted or left out.
        guard expected.count != actual.count else {
            let changed = Set(expected.indices.filter { expected[$0] != actual[$0] })
            return (changed, changed)
        }
        var (removed, inserted) = (Set<Int>(), Set<Int>())
        for change in actual.difference(from: expected) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        return (removed, inserted)
    }

    /// The positions from `position` on, as long as they are in `set`.
    private func take(_ position: inout Int, _ events: [EventContent], in set: Set<Int>) -> Range<Int> {
        let start = position
        while position < events.count, set.contains(position) { position += 1 }
        return start..<position
    }

    private static func line(_ events: [EventContent], _ index: Int) -> String {
        let event = events[index]
        let data = event.data == BSONDocument() ? "" : " \(BSONValue.document(event.data).shown())"
        return "\(index + 1) \(event.type)\(data)"
    }

    private static func paths(_ expected: EventContent, _ actual: EventContent) -> [String] {
        let schema =
            expected.schema == actual.schema ? [] : ["(schema): expected \(expected.schema), got \(actual.schema)"]
        return schema + DocumentDifference(expected.data, actual.data).lines()
    }
}
