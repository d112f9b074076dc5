@testable import Daybook
import DaybookBSON
import Foundation
import Testing

/// Its dates come and go, and what they were like stays.
private struct Beat: Aggregate, Equatable {
    enum Event: Codable, Sendable { case ticked, computed, forgotten }
    typealias Command = Never
    typealias Rejection = Never

    static let type: AggregateType = "beat"
    var date: Date? = Date(timeIntervalSince1970: 1_750_000_000)
    var ticks = 0
    var fractions: [Double] = []
    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .ticked: ticks += 1
        case .computed: date = Date(timeIntervalSince1970: 1_750_000_000 + 1.0 / 7)
        case .forgotten:
            fractions.append((date ?? .distantPast).timeIntervalSince1970.remainder(dividingBy: 1))
            date = nil
        }
    }

    func decide(_ command: Never, at now: Date) throws(Never) -> [Event] {}
}

@Suite("Computed dates")
struct ComputedDatesTests {
    private let id: AggregateID
    /// What each store and each load in between would give.
    private let expected = 0.143

    init() throws {
        id = try AggregateID("beat", key: "b")
    }

    private func fold(_ types: [String], _ coding: EventCoding<Beat>) throws -> Fold<Beat> {
        var fold = Fold<Beat>(id, coding)
        for (index, type) in types.enumerated() {
            var event = JournalEvent.sample(version: Int64(index + 1), type: type)
            // The last byte of the id is what samples are drawn by: this one is never drawn.
            event.id = UUID(uuid: (1, 1, 1, 1, 1, 1, 0x70, 1, 0x80, 1, 1, 1, 1, 1, 1, 1))
            try fold.apply(event.document(data: [:]))
        }
        return fold
    }

    @Test("G6: after each event the state is as if it had been stored and loaded, where every state is looked at")
    func exact() throws {
        let state = try fold(["computed", "forgotten"], EventCoding(looksAtEveryState: true)).state
        #expect(abs(try #require(state.fractions.first) - expected) < 1e-6)
        let replayed = try fold(["computed"], EventCoding(looksAtEveryState: true)).state
        #expect(replayed.date == Date(timeIntervalSince1970: 1_750_000_000.143))
    }

    @Test("G6: the states are as stored and loaded also while a sample is checked, and from the first computed date on")
    func sampled() throws {
        let coding = EventCoding<Beat>()
        #expect(abs(try #require(try fold(["computed", "forgotten"], coding).state.fractions.first) - expected) < 1e-6)
        let used = EventCoding<Beat>()
        _ = try fold(Array(repeating: "ticked", count: 2_000), used)
        // The last state shows it; the fold says that it may have come too late for others.
        var late = try fold(["ticked", "computed"], used)
        #expect(!late.isUncertain)
        try late.normalize()
        #expect(late.isUncertain)
        #expect(late.state.date == Date(timeIntervalSince1970: 1_750_000_000.143))
        let again = try fold(["ticked", "computed", "forgotten"], used)
        #expect(!again.isUncertain && !again.hasSkippedStates)
        #expect(abs(try #require(again.state.fractions.first) - expected) < 1e-6)
    }

    @Test("G6: events that are decided together are folded again when their last state shows a computed date")
    func together() throws {
        let coding = EventCoding<Beat>()
        // From then on only a sample of the states in between is looked at.
        _ = try fold(Array(repeating: "ticked", count: 2_000), coding)
        let loaded = Loaded(fold: Fold<Beat>(id, coding), basis: .read(nil))
        var fold = loaded.fold
        var change = AggregateChange(loaded, of: nil)
        try change.append([.computed, .forgotten, .computed], commandID: nil, folding: &fold)
        #expect(abs(try #require(fold.state.fractions.first) - expected) < 1e-6)
    }

    @Test("states without such dates are looked at now and then, and nothing is folded twice")
    func plain() throws {
        let coding = EventCoding<Beat>()
        var fold = try fold(Array(repeating: "ticked", count: 1_000), coding)
        try fold.normalize()
        #expect(!fold.isUncertain && fold.hasSkippedStates && !coding.computedDates.areKnown)
        #expect(fold.state.ticks == 1_000)
    }
}
