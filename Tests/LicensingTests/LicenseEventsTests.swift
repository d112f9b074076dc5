@testable import Daybook
import Foundation
import Licensing
import Testing

/// What the journal and the snapshots keep of a licence.
@Suite("License: stored forms")
struct LicenseEventsTests {
    static let events: [License.Event] = [
        .created(grant: .sample, expiresAt: License.expiry, policyVersion: 1), .downloaded,
        .playbackStarted(session: .number(1), occurredAt: Date(timeIntervalSince1970: 1_700_000_000.001)),
        .playbackStopped(session: .number(2), occurredAt: start - .days(20_000)),
        .renewed(expiresAt: License.expiry + .days(1), policyVersion: .max), .expired, .released(reason: ""),
        .revoked(reason: "ünï \u{10FFFF}", operator: "o-1"),
    ]

    /// The stored type of an event; without a default, so that a new event has to be given one here and a sample above.
    private static func type(of event: License.Event) -> String {
        switch event {
        case .created: "created"
        case .downloaded: "downloaded"
        case .playbackStarted: "playbackStarted"
        case .playbackStopped: "playbackStopped"
        case .renewed: "renewed"
        case .expired: "expired"
        case .released: "released"
        case .revoked: "revoked"
        }
    }

    /// Its only event carries any value through the journal's own coding.
    private struct Carrier<Cargo: Codable & Sendable>: Aggregate {
        struct Box: Codable, Sendable { var cargo: Cargo }
        enum Event: Codable, Sendable { case carried(Box) }
        enum Rejection: Error {}

        static var type: AggregateType { "carrier" }
        var last: Box?

        init() {}
        mutating func apply(_ event: Event) { if case .carried(let box) = event { last = box } }
        func decide(_ command: Cargo, at now: Date) throws(Rejection) -> [Event] { [.carried(Box(cargo: command))] }
    }

    /// A draft of events on a new aggregate, and the state that their stored bytes fold to.
    private func store<A: Aggregate>(_ events: [A.Event], _ aggregate: A.Type) throws -> (draft: AggregateDraft, state: A) {
        let repository = try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1:1/")).repository(A.self)
        let loaded = Loaded(fold: Fold<A>(try AggregateID(A.type, key: "L-1")), stored: nil)
        var (fold, draft) = (loaded.fold, AggregateDraft(loaded, snapshots: repository.snapshots))
        try draft.append(events.map(fold.coding.encode), command: .anonymous, folding: &fold)
        return (draft, fold.state)
    }

    @Test("every event comes back from its stored bytes as it was")
    func roundTrip() throws {
        for event in Self.events {
            let stored = try store([.carried(.init(cargo: event))], Carrier<License.Event>.self)
            #expect(stored.state.last?.cargo == event)
        }
        #expect(try store(Self.events, License.self).state == License(folding: Self.events))
    }

    @Test("every event has its stored type, and there is a sample of each")
    func types() throws {
        let types = try store(Self.events, License.self).draft.events.map(\.stored.type)
        #expect(types == Self.events.map(Self.type))
        #expect(Set(types).count == 8)
    }

    @Test("the names of the stored fields are those that the journal has: a renamed one would orphan every event before it")
    func fieldNames() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { _, encoder in
            var container = encoder.singleValueContainer()
            try container.encode("date")
        }
        let id = "\"00000000-0000-0000-0000-00000000000"
        #expect(
            try Self.events.map { String(decoding: try encoder.encode($0), as: UTF8.self) } == [
                #"{"created":{"expiresAt":"date","grant":{"device":"d-1","member":"m-1","studio":"s-1","title":"t-1"},"#
                    + #""policyVersion":1}}"#,
                #"{"downloaded":{}}"#, #"{"playbackStarted":{"occurredAt":"date","session":"# + id + #"1"}}"#,
                #"{"playbackStopped":{"occurredAt":"date","session":"# + id + #"2"}}"#,
                #"{"renewed":{"expiresAt":"date","policyVersion":9223372036854775807}}"#, #"{"expired":{}}"#,
                #"{"released":{"reason":""}}"#, "{\"revoked\":{\"operator\":\"o-1\",\"reason\":\"ünï \u{10FFFF}\"}}",
            ])
    }

    @Test("a licence in any state comes back from its stored bytes as it was", arguments: License.Status.allCases)
    func stateRoundTrip(status: License.Status) throws {
        var license = License.inState(status)
        license.apply(.renewed(expiresAt: License.expiry, policyVersion: 3))
        let stored = try store([.carried(.init(cargo: license))], Carrier<License>.self)
        #expect(stored.state.last?.cargo == license)
    }

    @Test("equal licences have equal bytes, in whatever order their sessions came")
    func determinism() throws {
        let sessions = (1...50).map { License.Event.playbackStarted(session: .number($0), occurredAt: start) }
        let beginning: [License.Event] = [Self.events[0], .downloaded]
        let first = try store(beginning + sessions, License.self)
        let second = try store(beginning + sessions.reversed(), License.self)
        #expect(first.state == second.state)
        #expect(first.draft.state == second.draft.state)
        let other = try store(beginning + sessions.dropLast(), License.self)
        #expect(first.draft.state != other.draft.state)
    }

    @Test("every declared field is one of the state, and what is asked for often is indexed")
    func fields() {
        #expect(License.type == "license")
        #expect(License.snapshotCollection == "snapshots.license")
        #expect(License.fields.map(\.name) == ["status", "expiresAt", "renewals", "plays"])
        #expect(License.fields.filter(\.isIndexed).map(\.name) == ["status", "expiresAt"])
    }
}
