@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import IntegrationSupport
import Testing

@Suite("A rebuild by a swap beside live traffic", .serialized, .timeLimit(.minutes(5)))
struct SwapTests {
    @Test("G9: no commit is lost, no read fails or is partial; an operator's index and validator stay; verify is clean")
    func traffic() async throws {
        try await ReconcileFixture.withStore { store in
            let keys = (0..<220).map(ReconcileFixture.key)
            try await ReconcileFixture.seed(Account.self, count: keys.count, in: store)
            try await ReconcileFixture.seed(Tally.self, count: keys.count, in: store)
            let validator: BSONDocument = ["version": ["$gt": 0]]
            _ = try await store.raw.write([
                "collMod": "snapshots.account", "validator": .document(validator), "validationLevel": "moderate",
            ])
            _ = try await store.raw.write([
                "createIndexes": "snapshots.account",
                "indexes": [
                    [
                        "name": "operator", "key": ["state.entries": -1, "updatedAt": 1],
                        "partialFilterExpression": ["state.entries": ["$gt": 1]],
                    ]
                ],
            ])
            let indexes = try await ReconcileFixture.indexes(of: Account.self, in: store)
            let tallyIndexes = try await ReconcileFixture.indexes(of: Tally.self, in: store)
            let options = try await self.options(store)

            let traffic = LiveTraffic(store)
            let swaps = try await traffic.beside(keys: keys) {
                let end = ContinuousClock.now + .seconds(TestScale.seconds)
                var swaps = 0
                repeat {
                    let report = try await store.rebuild(swap: true)
                    #expect(report.unrepaired == 0)
                    #expect(report.checked == 2 * keys.count)
                    swaps += 1
                } while ContinuousClock.now < end
                return swaps
            }
            #expect(swaps > 0)
            #expect(traffic.commits > 20)
            #expect(traffic.reads > 0)
            try await traffic.expectNothingLost()
            let report = try await store.verify()
            #expect(report.isClean, "\(report.kinds)")
            #expect(try await ReconcileFixture.indexes(of: Account.self, in: store) == indexes)
            #expect(try await ReconcileFixture.indexes(of: Tally.self, in: store) == tallyIndexes)
            // The local server forgets a collection's options when it renames it; MongoDB keeps them.
            if try await keepsOptionsOnRename(store) {
                let optionsAfter = try await self.options(store)
                #expect(optionsAfter == options)
            }
            #expect(try await store.raw.contents().keys.contains { $0.contains(".rebuild") } == false)
        }
    }

    /// What an operator has set; a server may state its defaults besides.
    private func options(_ store: DaybookStore) async throws -> [BSONValue?] {
        let description = try await store.raw.client.withConnection(.single) {
            try $0.collections(named: ["snapshots.account"], in: store.database).first
        }
        return [description?.value(at: "options.validator"), description?.value(at: "options.validationLevel")]
    }

    private func keepsOptionsOnRename(_ store: DaybookStore) async throws -> Bool {
        let (database, validator) = (store.database, ["x": ["$gt": 1]] as BSONDocument)
        return try await store.raw.client.withConnection(.single) { connection in
            _ = try connection.write(["create": "renamed.from", "validator": .document(validator)], database: database)
            _ = try connection.write(
                ["renameCollection": .string("\(database).renamed.from"), "to": .string("\(database).renamed.to")],
                database: "admin")
            let found = try connection.collections(named: ["renamed.to"], in: database).first
            return found?.value(at: "options.validator") == .document(validator)
        }
    }

    @Test("the collection that is built has the options that an operator gave the one in use")
    func optionsOfTheBuild() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 3, in: store)
            let validator: BSONDocument = ["version": ["$gt": 0]]
            _ = try await store.raw.write([
                "collMod": "snapshots.account", "validator": .document(validator), "validationLevel": "moderate",
            ])
            try await ReconcileFixture.withWatched(on: store) { watched, proxy in
                _ = try await watched.rebuild(swap: true)
                let created = proxy.exchanges.first { $0.request["create"] == "snapshots.account.rebuild" }
                #expect(created?.request["validator"] == .document(validator))
                #expect(created?.request["validationLevel"] == "moderate")
            }
        }
    }

    @Test("aggregates that begin and end their first commit during a build are in the new collection")
    func newcomers() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 200, in: store)
            try await ReconcileFixture.seed(Tally.self, count: 200, in: store)
            let count = try await withThrowingTaskGroup(of: Int.self) { group in
                let isOver = Recorder<Bool>()
                for writer in 0..<4 {
                    group.addTask {
                        var number = 0
                        while isOver.all.isEmpty {
                            let key = "new-\(writer)-\(number)"
                            if writer < 2 {
                                try await store.repository(Account.self).execute(.depositEach([1, 2]), on: key)
                            } else {
                                try await store.repository(Tally.self).execute(.deposit(1), on: key)
                            }
                            number += 1
                        }
                        return number
                    }
                }
                group.addTask {
                    defer { isOver.record(true) }
                    _ = try await store.rebuild(swap: true)
                    return 0
                }
                return try await group.reduce(0, +)
            }
            #expect(count > 4)
            await store.poster.drain()
            let report = try await store.verify()
            #expect(report.isClean, "\(report.kinds)")
            #expect(report.checked >= 400 + count)
            #expect(try await JournalAudit(store.raw).faults.isEmpty)
        }
    }
}
