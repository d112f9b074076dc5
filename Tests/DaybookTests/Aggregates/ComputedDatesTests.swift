@testable import Daybook
import DaybookBSON
import Foundation
import SampleAggregates
import Testing

@Suite("Computed dates")
struct ComputedDatesTests {
    private typealias Beat = Pulse<KeptInline>

    private static let start = Date(timeIntervalSince1970: 1_750_000_000)
    /// The date that is computed, as each store and each load in between would give it.
    private static let peak = Date(timeIntervalSince1970: 1_750_000_000.333)

    private static let computed: [Beat.Event] = [.started(at: start), .peaked]
    /// What the date was like stays when it is gone.
    private static let passing = computed + [.settled]

    private func fold(_ events: [Beat.Event], _ coding: EventCoding<Beat>) throws -> Fold<Beat> {
        var fold = Fold<Beat>(try AggregateID(Beat.type, key: "b"), coding)
        for (index, stored) in try coding.encode(events).enumerated() {
            var event = JournalEvent.sample(version: Int64(index + 1), type: stored.type)
            // The last byte of the id is what samples are drawn by: this one is never drawn.
            event.id = UUID(uuid: (1, 1, 1, 1, 1, 1, 0x70, 1, 0x80, 1, 1, 1, 1, 1, 1, 1))
            try fold.apply(event.document(data: stored.data))
        }
        return fold
    }

    @Test("G6: after each event the state is as if it had been stored and loaded, where every state is looked at")
    func exact() throws {
        let state = try fold(Self.passing, EventCoding(looksAtEveryState: true)).state
        #expect(state.remainders == [0])
        let replayed = try fold(Self.computed, EventCoding(looksAtEveryState: true)).state
        #expect(replayed.peak == Self.peak)
    }

    @Test("G6: the states are as stored and loaded also while a sample is checked, and from the first computed date on")
    func sampled() throws {
        let coding = EventCoding<Beat>()
        #expect(try fold(Self.passing, coding).state.remainders == [0])
        let used = EventCoding<Beat>()
        _ = try fold(Array(repeating: .started(at: Self.start), count: 2_000), used)
        // The last state shows it; the fold says that it may have come too late for others.
        var late = try fold(Self.computed, used)
        #expect(!late.isUncertain)
        try late.normalize()
        #expect(late.isUncertain)
        #expect(late.state.peak == Self.peak)
        let again = try fold(Self.passing, used)
        #expect(!again.isUncertain && !again.hasSkippedStates)
        #expect(again.state.remainders == [0])
    }

    @Test("G6: events that are decided together are folded again when their last state shows a computed date")
    func together() throws {
        let coding = EventCoding<Beat>()
        // From then on only a sample of the states in between is looked at.
        _ = try fold(Array(repeating: .started(at: Self.start), count: 2_000), coding)
        let loaded = Loaded(fold: Fold<Beat>(try AggregateID(Beat.type, key: "b"), coding), basis: .read(nil))
        var fold = loaded.fold
        var change = AggregateChange(loaded, of: nil)
        try change.append(Self.passing + [.peaked], commandID: nil, folding: &fold)
        #expect(fold.state.remainders == [0])
    }

    @Test("states without such dates are looked at now and then, and nothing is folded twice")
    func plain() throws {
        let coding = EventCoding<Beat>()
        var fold = try fold(Array(repeating: .started(at: Self.start), count: 1_000), coding)
        try fold.normalize()
        #expect(!fold.isUncertain && fold.hasSkippedStates && !coding.computedDates.areKnown)
        #expect(fold.state.starts == 1_000)
    }
}
