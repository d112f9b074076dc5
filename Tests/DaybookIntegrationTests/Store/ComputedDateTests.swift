@testable import Daybook
import DaybookBSON
import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("Dates that apply computes", .timeLimit(.minutes(2)))
struct ComputedDateTests {
    private static let start = Date(timeIntervalSince1970: 1_750_000_000)

    @Test("G6: 30 commands from stores that load the snapshot lead to what folding the journal gives, to the bit")
    func writersAndReplays() async throws {
        try await withTestStore(for: [Pulse<KeptInline>.self, Pulse<KeptAsync>.self, Pulse<KeptLive>.self]) { store in
            try await check(KeptInline.self, store)
            try await check(KeptAsync.self, store)
            try await check(KeptLive.self, store)
            await store.poster.drain()
            try await withDaybook(store.configuration, aggregates: [Pulse<KeptInline>.self, Pulse<KeptAsync>.self]) {
                store in
                let report = try await store.verify()
                #expect(report.isClean, "\(report.findings)")
            }
        }
    }

    private func check<K: Keeping>(_ kept: K.Type, _ store: DaybookStore) async throws {
        let repository = store.repository(Pulse<K>.self)
        try await repository.execute(.start(Self.start), on: "p")
        for number in 0..<30 {
            let command: Pulse<K>.Command = number % 3 == 2 ? .peak : .beat
            // Every other one by a store that knows nothing of the aggregate.
            if number.isMultiple(of: 2) {
                try await withDaybook(store.configuration) { other in
                    try await other.repository(Pulse<K>.self).execute(command, on: "p")
                    await other.poster.drain()
                }
            } else {
                try await repository.execute(command, on: "p")
                await store.poster.drain()
            }
        }
        let known = try await repository.load("p")
        #expect(known.version == 41)
        try await withDaybook(store.configuration) { other in
            let loaded = try await other.repository(Pulse<K>.self).load("p")
            let folded = try await other.repository(Pulse<K>.self).load("p", at: .version(41))
            #expect(loaded.state == folded.state && known.state == folded.state)
            #expect(folded.state.wasAlwaysWhole, "\(K.self) decided on a date that its stored form has not")
            #expect(folded.state.remainders == Array(repeating: 0, count: 10))
            #expect(folded.state.seen.count == 20 && folded.state.beats.count == 20)
        }
    }

    @Test("G8: what an earlier version has stored otherwise is found and put right, in one go")
    func patch() async throws {
        try await withTestStore(for: [Pulse<KeptInline>.self], as: .operator) { store in
            try await withDaybook(
                DaybookConfiguration(uri: try TestServer.uri, database: store.database),
                aggregates: [Pulse<KeptInline>.self]
            ) { store in
                let pulses = store.repository(Pulse<KeptInline>.self)
                // So many that most of the states on the way are not looked at.
                for key in ["a", "b"] {
                    try await pulses.append([.started(at: Self.start)], to: key, expecting: 0)
                    try await pulses.append(
                        Array(repeating: [.peaked, .settled], count: 300).flatMap { $0 }, to: key, expecting: 1)
                    try await pulses.append([.beaten(wasWhole: true)], to: key, expecting: 601)
                }
                #expect(try await store.verify().isClean)
                try await store.raw.update(
                    ["_id": "inline-pulse/a"], with: ["$set": ["state.remainders.3": 0.5]],
                    in: "snapshots.inline-pulse")
                let found = try await store.verify()
                #expect(found.findings.map(\.kind) == [.diverged])
                #expect(found.findings.first?.differences.map(\.path) == ["state.remainders.3"])
                _ = try await store.patch()
                #expect(try await store.verify().isClean)
            }
        }
    }
}
