@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

@Suite("A reader of the journal's tail", .serialized, .timeLimit(.minutes(2)))
struct TailReaderTests {
    private func feed(
        _ store: DaybookStore, _ types: [AggregateType] = [], after token: ResumeToken? = nil
    ) -> TailReader {
        store.tail.reader(types: types, after: token)
    }

    /// The places of the next events, as `account/a 1`.
    private func places(_ count: Int, of feed: TailReader) async throws -> [String] {
        var places: [String] = []
        while places.count < count {
            guard case .change(.event(let event), _) = try await feed.next() else { continue }
            places.append(event.head.map { "\($0.id) \($0.version)" } ?? "none")
        }
        return places
    }

    private func withStore(_ body: (DaybookStore, DriverFixture) async throws -> Void) async throws {
        try await withDriverFixture { fixture in
            let configuration = DaybookConfiguration(uri: try fixture.uri(), database: fixture.database)
            try await withDaybook(configuration, aggregates: [Account.self, Tally.self]) { store in
                try await store.initialize()
                try await body(store, fixture)
            }
        }
    }

    @Test("shows what comes after its opening, of the types it is for; another one continues after its token")
    func follows() async throws {
        try await withStore { store, _ in
            let (accounts, tallies) = (store.repository(Account.self), store.repository(Tally.self))
            try await accounts.execute(.deposit(1), on: "before")
            let (some, all) = (feed(store, [Account.type]), feed(store))
            try await some.open()
            try await all.open()
            #expect(await all.token == nil)
            try await accounts.execute(.depositEach([1, 2]), on: "a")
            try await tallies.execute(.deposit(1), on: "t")
            try await accounts.execute(.deposit(1), on: "a")
            #expect(try await places(4, of: all) == ["account/a 1", "account/a 2", "tally/t 1", "account/a 3"])
            #expect(try await places(2, of: some) == ["account/a 1", "account/a 2"])
            let next = feed(store, [Account.type], after: await some.token)
            #expect(try await places(1, of: next) == ["account/a 3"])
            // What no writer of Daybook has put there does not stop it.
            _ = try await store.raw.write(["collMod": "journal", "validator": [:], "validationLevel": "off"])
            try await store.raw.insert(
                [["_id": "x"], ["_id": "y", "aggregateId": "account/x", "version": "one"]], into: "journal")
            #expect(try await places(2, of: all) == ["none", "none"])
            try await accounts.execute(.deposit(1), on: "b")
            #expect(try await places(1, of: all) == ["account/b 1"])
        }
    }

    @Test("gives a token while nothing comes, after which a later one misses nothing")
    func idle() async throws {
        try await withStore { store, _ in
            let first = feed(store)
            guard case .idle(let token) = try await first.next() else { throw RawDatabase.NoMatch() }
            #expect(await first.token == token)
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            #expect(try await places(1, of: feed(store, after: token)) == ["account/a 1"])
        }
    }

    @Test("an error that will be over soon is thrown, and the next call continues after the last element")
    func reopens() async throws {
        try await withFaultyStore { store, proxy, _ in
            let feed = feed(store)
            _ = try await feed.next()
            // The driver opens the stream again by itself after the first one, and not when that is lost too.
            proxy.fail("getMore", .dropRequest)
            proxy.fail("aggregate", .dropRequest, times: 2)
            try await store.repository(Account.self).execute(.deposit(1), on: "b")
            var shown: [String] = []
            do {
                // A reply that was under way before the fault may bring the event.
                while true {
                    guard case .change(.event(let event), _) = try await feed.next() else { continue }
                    shown.append(event.head.map { "\($0.id) \($0.version)" } ?? "none")
                }
            } catch let error as MongoError {
                #expect(error.isOfTheMoment)
            }
            if shown.isEmpty { shown = try await places(1, of: feed) }
            #expect(shown == ["account/b 1"])
        }
    }

    @Test("one that has shown nothing yet is not opened again: it could miss what came meanwhile")
    func noGap() async throws {
        try await withFaultyStore { store, proxy, _ in
            let feed = feed(store)
            try await feed.open()
            proxy.fail("getMore", .dropRequest)
            proxy.fail("aggregate", .dropRequest, times: 2)
            for _ in 0..<2 { await #expect(throws: MongoError.self) { try await feed.next() } }
            #expect(await feed.token == nil)
        }
    }

    @Test(
        "a place that the oplog no longer has is a typed error, in the midst of the stream", arguments: [260, 280, 286])
    func placeLost(code: Int32) async throws {
        try await withStore { store, fixture in
            let feed = feed(store)
            _ = try await feed.next()
            try await fixture.withFailPoint { failPoint in
                try await failPoint.set(.always, ["getMore", "aggregate"], ["errorCode": .int32(code)])
                let error = await #expect(throws: JournalPlaceLost.self) { while true { _ = try await feed.next() } }
                #expect((error?.underlying as? MongoError)?.serverCode == code)
            }
        }
    }

    @Test("what is no token is a typed error at the opening; what is not about the place is none")
    func opening() async throws {
        try await withStore { store, fixture in
            let none = feed(store, after: ResumeToken(["_data": "nonsense"]))
            await #expect(throws: JournalPlaceLost.self) { try await none.open() }
            let first = feed(store)
            let token = try await first.next().token
            try await fixture.withFailPoint { failPoint in
                try await failPoint.set(.times(1), ["aggregate"], ["errorCode": 13])
                let refused = feed(store, after: token)
                let error = await #expect(throws: MongoError.self) { try await refused.open() }
                #expect(error?.code == .unauthorized)
                try await refused.open()
            }
        }
    }

    @Test("a journal that is dropped or renamed is a lost place", arguments: [true, false])
    func invalidated(isDropped: Bool) async throws {
        try await withStore { store, fixture in
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            let feed = feed(store)
            _ = try await feed.next()
            if isDropped {
                _ = try await store.raw.write(["drop": "journal"])
            } else {
                let (from, to) = (fixture.namespace("journal"), fixture.namespace("other"))
                _ = try await store.raw.write(
                    ["renameCollection": .string(from.description), "to": .string(to.description)], database: "admin")
            }
            await #expect(throws: JournalPlaceLost.self) { while true { _ = try await feed.next() } }
        }
    }
}
