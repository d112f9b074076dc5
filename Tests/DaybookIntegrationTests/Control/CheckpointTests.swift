@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

@Suite("A checkpoint")
struct CheckpointTests {
    private static let name = "snapshots.tally"

    private func acquire(_ holder: String, _ store: DaybookStore) async throws -> Lease {
        try #require(
            try await store.client.withConnection(.single) {
                try Lease.acquire(Self.name, holder: holder, in: store.database, on: $0)
            })
    }

    /// Lets the lease expire, as when its holder does not run for a while.
    private func expire(_ store: DaybookStore) async throws {
        try await store.raw.update(
            ["_id": .string(Self.name)], with: ["$set": ["expiresAt": .datetime(BSONDate(milliseconds: 0))]],
            in: "daybook.leases")
    }

    private func stored(_ store: DaybookStore) async throws -> BSONDocument {
        try #require(try await store.raw.document(in: "daybook.checkpoints", id: Self.name))
    }

    private func token(_ text: String) throws -> ResumeToken {
        try #require(ResumeToken(["_data": .string(text)]))
    }

    /// Runs `body` with a connection, and expects that it finds the lease lost.
    private func expectLost(
        _ store: DaybookStore, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: @Sendable (isolated MongoConnection) throws -> Void
    ) async throws {
        let error = try await daybookError { try await store.client.withConnection(.single) { try body($0) } }
        #expect(error?.code == .conflict, sourceLocation: sourceLocation)
        #expect(error?.underlying is LeaseLost, sourceLocation: sourceLocation)
    }

    @Test("a holder that stopped and lost its lease can neither move the place back nor forget it")
    func lostLease() async throws {
        try await withTestStore { store in
            let checkpoint = Checkpoint(name: Self.name, database: store.database)
            let (first, second, third) = (try token("1"), try token("2"), try token("3"))
            let stopped = try await acquire("host:1", store)
            try await store.client.withConnection(.single) { connection in
                #expect(try checkpoint.claim(by: stopped, on: connection) == nil)
                try checkpoint.save(first, by: stopped, on: connection)
            }
            try await expire(store)
            let next = try await acquire("host:2", store)
            #expect(try await store.client.withConnection(.single) { try checkpoint.claim(by: next, on: $0) } == first)
            // From the claim on, before the next holder has saved anything.
            try await expectLost(store) { try checkpoint.save(third, by: stopped, on: $0) }
            try await store.client.withConnection(.single) { try checkpoint.save(second, by: next, on: $0) }
            let before = try await stored(store)
            try await expectLost(store) { try checkpoint.save(third, by: stopped, on: $0) }
            try await expectLost(store) { try checkpoint.forget(by: stopped, on: $0) }
            try await expectLost(store) { _ = try checkpoint.claim(by: stopped, on: $0) }
            #expect(try await stored(store) == before)
            #expect(before["token"] == .document(second.document))
            #expect(before["epoch"] == .int64(next.epoch))
        }
    }

    @Test("when the lease's document was deleted, the next epoch exceeds all that claimed the place before")
    func deletedLease() async throws {
        try await withTestStore { store in
            let checkpoint = Checkpoint(name: Self.name, database: store.database)
            let (first, second) = (try token("1"), try token("2"))
            for _ in 0..<4 {
                _ = try await acquire("host:0", store)
                try await expire(store)
            }
            let stopped = try await acquire("host:1", store)
            try await store.client.withConnection(.single) { connection in
                _ = try checkpoint.claim(by: stopped, on: connection)
                try checkpoint.save(first, by: stopped, on: connection)
            }
            try await store.raw.delete(["_id": .string(Self.name)], from: "daybook.leases")
            let anew = try await acquire("host:2", store)
            #expect(anew.epoch == 1)
            try await expectLost(store) { _ = try checkpoint.claim(by: anew, on: $0) }
            let next = try await acquire("host:2", store)
            #expect(next.epoch == stopped.epoch + 1)
            #expect(try await store.client.withConnection(.single) { try checkpoint.claim(by: next, on: $0) } == first)
            try await expectLost(store) { try checkpoint.save(second, by: stopped, on: $0) }
            #expect(try await stored(store)["token"] == .document(first.document))
        }
    }

    @Test(
        "an epoch that a hand or an older version has left in another form is none; the place is kept",
        arguments: ["three", 0.5, .double(.nan), .int64(.max), nil, .null] as [BSONValue?])
    func otherForms(epoch: BSONValue?) async throws {
        try await withTestStore { store in
            let checkpoint = Checkpoint(name: Self.name, database: store.database)
            let (first, second) = (try token("1"), try token("2"))
            var document: BSONDocument = ["_id": .string(Self.name), "token": .document(first.document)]
            if let epoch { try document.append("epoch", epoch) }
            try await store.raw.insert([document], into: "daybook.checkpoints")
            let lease = try await acquire("host:1", store)
            try await store.client.withConnection(.single) { connection in
                #expect(try checkpoint.claim(by: lease, on: connection) == first)
                try checkpoint.save(second, by: lease, on: connection)
            }
            #expect(try await stored(store)["epoch"] == .int64(lease.epoch))
            #expect(try await stored(store)["token"] == .document(second.document))
        }
    }
}
