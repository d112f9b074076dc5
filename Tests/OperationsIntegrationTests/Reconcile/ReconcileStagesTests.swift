@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import IntegrationSupport
import Testing

/// What is found is handled in batches, which may neither lose nor repeat one at their borders.
@Suite("A reconciliation of more aggregates than it holds at a time", .serialized, .timeLimit(.minutes(2)))
struct ReconcileStagesTests {
    private func options(_ perSecond: Double? = nil) -> ReconcileOptions {
        var options = ReconcileOptions()
        (options.types, options.workers, options.aggregatesPerSecond) = ([Account.type], 1, perSecond)
        return options
    }

    @Test(
        "finds and puts right each that drifted, at the borders of groups and in whatever portions",
        arguments: [nil, 200])
    func borders(perSecond: Double?) async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 150, in: store)
            let right = try await ReconcileFixture.snapshots(of: Account.self, in: store)
            let ids = right.keys.sorted()
            let drifted = [0, 3, 4, 5, 66, 67, 68, 69, 131, 132, 133, 148, 149].map { ids[$0] }
            for id in drifted.dropLast() {
                try await store.raw.update(
                    ["_id": .string(id)], with: ["$set": ["state.balance": -1]], in: "snapshots.account")
            }
            // The last by another way, and behind it one that no event stands for.
            try await store.raw.delete(["_id": .string(ids[149])], from: "snapshots.account")
            try await store.raw.put(right[ids[1]]?.setting("_id", to: "account/z") ?? [:], into: "snapshots.account")

            let found = try await store.verify(options(perSecond))
            #expect(found.findings.map(\.aggregateID) == drifted + ["account/z"])
            #expect(found.checked == 151)
            let repaired = try await store.patch(options(perSecond))
            #expect(repaired.findings.map(\.aggregateID) == drifted + ["account/z"])
            #expect(repaired.written == drifted.count + 1)
            #expect(try await ReconcileFixture.snapshots(of: Account.self, in: store) == right)
            #expect(try await store.verify(options(perSecond)).isClean)
        }
    }

    @Test("tells how far it came also where nothing is wrong, aggregate after aggregate, each once")
    func positions() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 150, in: store)
            let ids = try await ReconcileFixture.snapshots(of: Account.self, in: store).keys.sorted()
            let checker = Checker.make(for: ReconcileTarget(Account.self, in: store.database), .full)
            let check = RangeCheck(store: store, checker: checker, range: IDRange(Account.type), maximumChecked: 40)
            let batches = Recorder<RangeCheck.Batch>()
            try await check.run(after: nil) { batches.record($0) }
            #expect(batches.all.map(\.position) == [ids[39], ids[79], ids[119], ids[149]])
            #expect(batches.all.map(\.checked) == [40, 40, 40, 30])
            let events: Int = (0..<150).map { $0 % 4 + 1 }.reduce(0, +)
            #expect(batches.all.map(\.events).reduce(0, +) == events)
            #expect(batches.all.flatMap(\.suspects).count == 0)
            // From where it was left, the rest.
            try await check.run(after: ids[119]) { batches.record($0) }
            #expect(batches.all.last?.checked == 30 && batches.all.count == 5)
        }
    }

    @Test("ends with the portion that was begun when it is cancelled, however many were found to drift")
    func cancelled() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 100, in: store)
            try await ReconcileFixture.dropSnapshots(Account.self, in: store)
            _ = try await store.raw.write(["create": "snapshots.account"])
            let slow = options(2)
            let run = Task { try await store.patch(slow) }
            _ = try await eventually("it writes") { try await store.raw.documents(in: "snapshots.account").count > 0 }
            let begin = ContinuousClock.now
            run.cancel()
            await #expect(throws: CancellationError.self) { try await run.value }
            #expect(ContinuousClock.now - begin < .seconds(30))
            // At two a second the 100 would take 50 seconds.
            #expect(try await store.raw.documents(in: "snapshots.account").count < 20)
        }
    }
}
