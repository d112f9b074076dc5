@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("Two repairs at once", .serialized, .timeLimit(.minutes(2)))
struct MaintenanceLeaseTests {
    private func options(types: [AggregateType] = [], ids: [String] = []) throws -> ReconcileOptions {
        var options = ReconcileOptions()
        options.types = types
        options.ids = try ids.map { try AggregateID(parsing: $0) }
        return options
    }

    /// Runs `body` while another store repairs `options`, for as long as that takes.
    private func whileHeld(
        _ store: DaybookStore, _ options: ReconcileOptions,
        _ body: @escaping @Sendable (_ holder: String) async throws -> Void
    ) async throws {
        var slow = options
        // One snapshot in two seconds: it does not come to its end.
        slow.aggregatesPerSecond = 0.5
        let held = slow
        try await ReconcileFixture.withAnother(on: store) { other in
            let run = Task { try await other.patch(held) }
            let lease = try await {
                var found: BSONDocument?
                _ = try await eventually("every lease is held") {
                    let leases = try await store.raw.documents(in: "daybook.leases").filter {
                        $0.string(at: "_id")?.hasPrefix("reconcile.") == true
                    }
                    found = leases.first
                    // One for each aggregate, or for each type.
                    return leases.count >= max(1, options.ids.count)
                }
                return try #require(found)
            }()
            do {
                try await body(try #require(lease.string(at: "holder")))
            } catch {
                run.cancel()
                throw error
            }
            run.cancel()
            await #expect(throws: CancellationError.self, "the one that was first goes on until then") {
                try await run.value
            }
        }
    }

    private func expectRefusal(
        _ holder: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let begin = ContinuousClock.now
        let error = try await daybookError { try await body() }
        #expect(error?.code == .conflict, sourceLocation: sourceLocation)
        #expect(error?.message.contains(holder) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
        // Since when: a time of today or, around midnight, of the day before.
        #expect(
            error?.message.contains(/since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) == true, "\(error?.message ?? "")",
            sourceLocation: sourceLocation)
        #expect(ContinuousClock.now - begin < .seconds(25), sourceLocation: sourceLocation)
    }

    private func prepare(_ store: DaybookStore) async throws {
        try await ReconcileFixture.seed(Account.self, count: 20, in: store)
        try await ReconcileFixture.seed(Tally.self, count: 4, in: store)
        try await ReconcileFixture.dropSnapshots(Account.self, in: store)
        _ = try await store.raw.write(["create": "snapshots.account"])
    }

    @Test("on the same type are refused, as are one on the type and one on an aggregate of it; others do not meet")
    func types() async throws {
        try await ReconcileFixture.withStore { store in
            try await prepare(store)
            let (same, one) = (
                try options(types: [Account.type]), try options(ids: ["account/\(ReconcileFixture.key(1))"])
            )
            let (other, otherOne) = (
                try options(types: [Tally.type]), try options(ids: ["tally/\(ReconcileFixture.key(1))"])
            )
            let everything = try options()
            try await whileHeld(store, same) { holder in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for refused in [same, one, everything] {
                        group.addTask { try await expectRefusal(holder) { _ = try await store.patch(refused) } }
                    }
                    group.addTask { try await expectRefusal(holder) { _ = try await store.rebuild(same, swap: true) } }
                    try await group.waitForAll()
                }
                #expect(try await store.patch(other).isClean)
                #expect(try await store.rebuild(otherOne).isClean)
                #expect(try await store.verify(other).isClean, "verify takes no lease")
                #expect(try await store.verify(same).counts[.missing] != nil)
            }
            // Its lease was given back, so nobody waits.
            let begin = ContinuousClock.now
            #expect(try await store.patch(everything).unrepaired == 0)
            #expect(ContinuousClock.now - begin < .seconds(14))
            #expect(try await store.verify().isClean)
        }
    }

    @Test("on one aggregate are refused, and on its type; other aggregates of the type do not meet")
    func aggregates() async throws {
        try await ReconcileFixture.withStore { store in
            try await prepare(store)
            let ids = (1...8).map { "account/\(ReconcileFixture.key($0))" }
            let one = try options(ids: ids)
            let (same, type) = (
                try options(ids: [ids[2], "account/\(ReconcileFixture.key(15))"]), try options(types: [Account.type])
            )
            try await whileHeld(store, one) { holder in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for refused in [same, type] {
                        group.addTask { try await expectRefusal(holder) { _ = try await store.patch(refused) } }
                    }
                    try await group.waitForAll()
                }
                // A key that another begins with is another's.
                let others = try options(ids: [
                    "account/\(ReconcileFixture.key(12))", "account/\(ReconcileFixture.key(1))0",
                ])
                #expect(try await store.patch(others).written == 1)
            }
        }
    }

    @Test(
        "a dead holder's lease is waited for, whatever the waiting process's clock says, and then it goes on",
        arguments: [0, 3_600, -3_600] as [TimeInterval])
    func dead(skew: TimeInterval) async throws {
        let clock = skew == 0 ? .system : CommitClock(now: { Date() + skew }, random: { .random(in: .min ... .max) })
        try await ReconcileFixture.withStore(clock: clock) { store in
            try await ReconcileFixture.seed(Account.self, count: 2, in: store)
            let now = try BSONDate(Date())
            let end = try BSONDate(Date() + 2)
            try await store.raw.insert(
                [
                    [
                        "_id": "reconcile.account", "holder": "elsewhere:1:2", "epoch": .int64(4),
                        "acquiredAt": .datetime(now),
                        "expiresAt": .datetime(end),
                    ]
                ], into: "daybook.leases")
            #expect(try await store.patch(options(types: [Account.type])).isClean)
            #expect(Date() >= end.date - 0.5, "it waited")
            let lease = try #require(try await store.raw.document(in: "daybook.leases", id: "reconcile.account"))
            #expect(lease.integer(at: "epoch") == 5)
        }
    }

    @Test(
        "a lease that a hand or an older version has left in another form is taken over",
        arguments: [
            ["epoch": 3.0, "holder": "h", "expiresAt": .datetime(BSONDate(milliseconds: 1))],
            ["epoch": "three", "holder": "h", "expiresAt": .datetime(BSONDate(milliseconds: 1))],
            ["epoch": .int64(.max), "holder": "h", "expiresAt": .datetime(BSONDate(milliseconds: 1))],
            ["epoch": .double(.nan), "holder": 7, "expiresAt": "tomorrow"],
            ["expiresAt": .datetime(BSONDate(milliseconds: 253_402_300_799_999))],
            ["epoch": .int64(2), "holder": "h", "acquiredAt": "then", "expiresAt": .int64(.max)], [:],
        ] as [BSONDocument])
    func otherForms(lease: BSONDocument) async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 2, in: store)
            var document: BSONDocument = ["_id": "reconcile.account"]
            for (key, value) in lease.fields { try document.append(key, value) }
            // One that covers a part of it is in nobody's way either.
            try await store.raw.insert(
                [document, document.setting("_id", to: "reconcile.account/x")], into: "daybook.leases")
            #expect(try await store.patch(options(types: [Account.type])).isClean)
            let taken = try #require(try await store.raw.document(in: "daybook.leases", id: "reconcile.account"))
            guard case .int64(let epoch) = taken["epoch"] else { throw RawDatabase.NoMatch() }
            #expect(epoch == (lease["epoch"] == 3.0 ? 4 : lease["epoch"] == .int64(2) ? 3 : 1))
        }
    }

    @Test("a lease that ends far in the future is given up on, with who holds it; doctor warns of it")
    func farFuture() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 2, in: store)
            try await store.raw.insert(
                [
                    [
                        "_id": "reconcile.account", "holder": "elsewhere:1:2", "epoch": .int64(4),
                        "expiresAt": .datetime(try BSONDate(Date() + 86_400)),
                    ]
                ], into: "daybook.leases")
            let checks = await store.diagnose().checks.filter { $0.name == "leases" }
            #expect(checks.map(\.level) == [.warning])
            #expect(checks.first?.remedy?.contains("updateOne") == true, "\(checks)")
            let error = try await daybookError { _ = try await store.patch(options(types: [Account.type])) }
            #expect(error?.code == .conflict)
            for part in ["elsewhere:1:2", "reconcile.account", "daybook.leases"] {
                #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
            }
        }
    }
}
