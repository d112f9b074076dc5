public import Daybook
internal import DaybookBSON
public import Foundation

/// Events that have happened, for the test of a projection: of one aggregate, or of a store in memory.
///
/// ```swift
/// let history: [GivenEvents] = [
///     .events(of: Member.self, "m-1", [.planChanged(plan: .premium)]),
///     .events(of: License.self, "L-1", [.created(member: "m-1", expiresAt: d), .released]),
/// ]
/// ```
public struct GivenEvents: Sendable {
    let append: @Sendable (inout GivenJournal, SourcePlace) throws -> Void

    /// Events of one aggregate, after those given before.
    ///
    /// - Parameters:
    ///   - key: The aggregate's key.
    ///   - date: When they were recorded.
    public static func events<A: Aggregate>(
        of aggregate: A.Type, _ key: String, _ events: [A.Event], at date: Date = SimulatedClock.start
    ) -> GivenEvents {
        GivenEvents { try $0.append(events, of: A.self, key, at: date, $1) }
    }

    /// All events of a store in memory, which executes commands as a database's store does.
    public static func all(of batch: BulkBatch) -> GivenEvents {
        GivenEvents { journal, _ in batch.storedEvents.forEach { journal.append($0) } }
    }
}

/// Events in the form in which a journal would have them.
struct GivenJournal: Sendable {
    private(set) var events: [StoredEvent] = []
    private var versions: [AggregateID: Int64] = [:]

    mutating func append(_ event: StoredEvent) {
        events.append(event)
        versions[event.aggregateID] = event.version
    }

    mutating func append<A: Aggregate>(
        _ given: [A.Event], of aggregate: A.Type, _ key: String, at date: Date, _ place: SourcePlace
    ) throws {
        let id = try place.storing("the key") { try AggregateID(A.type, key: key) }
        for event in given {
            let version = (versions[id] ?? 0) + 1
            let stored = try place.storing("event \(version) of \(id)") {
                let time = EventID(milliseconds: EventID.milliseconds(at: date), random: { 0 })
                return try StoredEvent(
                    Replay<A>.stored(event), of: id, version: version,
                    // The ids grow, as those of a journal do.
                    id: time.advanced(by: UInt64(events.count)) ?? time)
            }
            append(stored)
        }
    }
}
