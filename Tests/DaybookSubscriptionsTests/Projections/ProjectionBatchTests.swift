@testable import Daybook
import DaybookBSON
@testable import DaybookSubscriptions
import Foundation
import SampleAggregates
import Testing

/// The amounts that came into accounts, in the order in which they came.
private enum Amounts: Projection {
    struct Document: Queryable, Equatable {
        var amounts: [Int] = []
    }

    struct Refused: Error {}

    static let name: SubscriptionName = "amounts"
    static var sources: [EventSource<Amounts>] {
        [
            .events(of: Account.self, keys: { ["all", $0.aggregateID.key, "all"] }) { event, key, document in
                guard case .deposited(let amount)? = event.event else { return }
                if amount < 0 { throw Refused() }
                document.amounts.append(amount)
            },
            .events(of: Account.self, key: { $0.event == .deposited(amount: 7) ? "sevens" : nil }) { _, document in
                document.amounts.append(7)
            },
        ]
    }
}

/// Keys that cannot be.
private enum Keys: Projection {
    typealias Document = Amounts.Document

    static let name: SubscriptionName = "keys"
    static var sources: [EventSource<Keys>] {
        [.events(of: Account.self, key: { $0.version == 2 ? "" : "k" }) { _, _ in }]
    }
}

@Suite("ProjectionBatch")
struct ProjectionBatchTests {
    private func event(_ id: String, _ version: Int64, _ amount: Int, type: String = "deposited") throws -> StoredEvent
    {
        let id = try AggregateID(parsing: id)
        let eventID = EventID(milliseconds: 1_700_000_000_000, random: { UInt64(version) }).uuid
        let stored: BSONDocument = [
            "_id": .binary(BSONBinary(eventID)), "aggregateId": .string(id.rawValue), "version": .int64(version),
            "type": .string(type), "schema": .int32(1),
            "recordedAt": .datetime(BSONDate(milliseconds: 1_700_000_000_000)),
            "commit": ["id": .binary(BSONBinary(eventID)), "index": .int32(0), "count": .int32(1)],
            "data": ["amount": .int64(Int64(amount))], "metadata": [:],
        ]
        return try StoredEvent(stored)
    }

    private func apply(
        _ events: [StoredEvent], to states: [String: ProjectionState<Amounts.Document>] = [:]
    ) throws -> [String: ProjectionState<Amounts.Document>] {
        var states = states
        try ProjectionBatch<Amounts>(events, from: Amounts.sources).apply(to: &states)
        return states
    }

    @Test("changes the document of each key once per event, in order, and counts the events that each includes")
    func applied() throws {
        let events = [
            try event("account/a", 1, 3), try event("account/b", 1, 7), try event("account/a", 2, 5),
            // Of no source.
            try event("tally/a", 1, 9),
        ]
        let batch = try ProjectionBatch<Amounts>(events, from: Amounts.sources)
        #expect(batch.keys == ["all", "a", "b", "sevens"])
        #expect(!batch.isEmpty)
        let states = try apply(events)
        #expect(states.mapValues(\.state.amounts) == ["all": [3, 7, 5], "a": [3, 5], "b": [7], "sevens": [7]])
        #expect(states.mapValues(\.events) == ["all": 3, "a": 2, "b": 1, "sevens": 1])

        let more = try apply([try event("account/a", 3, 1)], to: states)
        #expect(more["all"]?.state.amounts == [3, 7, 5, 1] && more["all"]?.events == 4)
        #expect(more["b"]?.events == 1)
    }

    @Test("is empty where no source wants an event")
    func empty() throws {
        #expect(try ProjectionBatch<Amounts>([], from: Amounts.sources).isEmpty)
        let batch = try ProjectionBatch<Amounts>([try event("tally/a", 1, 9)], from: Amounts.sources)
        #expect(batch.isEmpty && batch.keys.isEmpty)
    }

    @Test("names the event that is the cause: of a refusal, of an unknown type, of a key that cannot be")
    func failures() throws {
        let refused = [try event("account/a", 1, 3), try event("account/b", 1, -1), try event("account/a", 2, 1)]
        let refusal = #expect(throws: EventFailure.self) { try apply(refused) }
        #expect(refusal?.index == 1 && refusal?.error is Amounts.Refused)

        let unknown = [try event("account/a", 1, 3), try event("account/a", 2, 1, type: "vanished")]
        let failure = #expect(throws: EventFailure.self) {
            try ProjectionBatch<Amounts>(unknown, from: Amounts.sources)
        }
        #expect(failure?.index == 1 && (failure?.error as? DaybookError)?.code == .unknownEvent)

        let keys = [try event("account/a", 1, 3), try event("account/a", 2, 1)]
        let error = #expect(throws: EventFailure.self) { try ProjectionBatch<Keys>(keys, from: Keys.sources) }
        #expect(error?.index == 1 && (error?.error as? DaybookError)?.code == .invalidArgument)
    }
}
