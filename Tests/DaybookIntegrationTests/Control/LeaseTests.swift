@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

@Suite("A lease")
struct LeaseTests {
    private static let name = "snapshots.tally"

    private func acquire(_ holder: String, _ store: DaybookStore) async throws -> Lease? {
        try await store.client.withConnection(.single) {
            try Lease.acquire(Self.name, holder: holder, in: store.database, on: $0)
        }
    }

    private func stored(_ store: DaybookStore) async throws -> BSONDocument {
        try #require(try await store.raw.document(in: "daybook.leases", id: Self.name))
    }

    @Test("of many that ask at once one gets it; the next holder has the next epoch, in the same document")
    func epochs() async throws {
        try await withTestStore { store in
            for epoch in 1...3 as ClosedRange<Int64> {
                let leases = try await withThrowingTaskGroup(of: Lease?.self) { group in
                    for number in 0..<8 { group.addTask { try await acquire("host:\(number)", store) } }
                    return try await group.reduce(into: []) { leases, lease in leases += [lease].compactMap(\.self) }
                }
                let lease = try #require(leases.first)
                #expect(leases.count == 1)
                #expect(lease.epoch == epoch)
                let document = try await stored(store)
                #expect(document["holder"] == .string(lease.holder))
                #expect(document["epoch"] == .int64(epoch))
                #expect(Set(document.fields.map(\.key)) == ["_id", "holder", "epoch", "acquiredAt", "expiresAt"])
                try await store.client.withConnection(.single) { try lease.release(in: store.database, on: $0) }
            }
        }
    }

    @Test("its holder gets the same one again, as after a request that was not answered; another process does not")
    func again() async throws {
        try await withTestStore { store in
            let first = try #require(try await acquire("host:1", store))
            let before = try await stored(store)
            #expect(try await acquire("host:2", store) == nil)
            #expect(try await stored(store) == before)
            let second = try #require(try await acquire("host:1", store))
            #expect(second.epoch == first.epoch)
            let after = try await stored(store)
            #expect(after["acquiredAt"] == before["acquiredAt"])
            guard case .datetime(let end) = before["expiresAt"], case .datetime(let later) = after["expiresAt"] else {
                throw RawDatabase.NoMatch()
            }
            #expect(later >= end, "it is renewed")
        }
    }

    @Test("that another process has acquired since is neither renewed nor released")
    func lost() async throws {
        try await withTestStore { store in
            let first = try #require(try await acquire("host:1", store))
            try await store.raw.update(
                ["_id": .string(Self.name)], with: ["$set": ["expiresAt": .datetime(BSONDate(milliseconds: 0))]],
                in: "daybook.leases")
            let second = try #require(try await acquire("host:2", store))
            #expect(second.epoch == first.epoch + 1)
            let before = try await stored(store)
            try await store.client.withConnection(.single) { connection in
                #expect(try !first.renew(in: store.database, on: connection))
                try first.release(in: store.database, on: connection)
            }
            #expect(try await stored(store) == before)
        }
    }

    @Test("the holder's name is taken as it is, also where the server would read a path or a variable")
    func literalHolder() async throws {
        try await withTestStore { store in
            for holder in ["$holder", "$$ROOT"] {
                let lease = try #require(try await acquire(holder, store))
                #expect(try await stored(store)["holder"] == .string(holder))
                #expect(try await acquire("host:1", store) == nil)
                #expect(try await acquire(holder, store)?.epoch == lease.epoch)
                try await store.client.withConnection(.single) { try lease.release(in: store.database, on: $0) }
            }
        }
    }
}
