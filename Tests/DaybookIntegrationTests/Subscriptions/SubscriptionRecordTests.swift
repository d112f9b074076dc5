@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

@Suite("What all processes know of a subscription", .timeLimit(.minutes(1)))
struct SubscriptionRecordTests {
    private struct Nothing: PostedHandler {
        let indexes: [IndexModel]? = nil

        // As the requirement is written: the compiler cannot make a witness of a synchronous one here.
        func handle(
            _ events: [StoredEvent], in storage: SubscriptionStorage, on connection: isolated MongoConnection
        ) async throws {}
    }

    private func subscription(_ types: [AggregateType], version: Int32 = 1) -> Subscription {
        Subscription(posted: "some", .projection, of: types, version: version, by: Nothing())
    }

    private func join(_ subscription: Subscription, _ holder: String?, _ store: DaybookStore) async throws
        -> SubscriptionRecord
    {
        try await store.client.withConnection(.single) {
            try SubscriptionRecord.join(subscription, holder: holder, in: store.database, on: $0)
        }
    }

    @Test("are the processes that have said so within a lease time, each once, and not those that have left")
    func members() async throws {
        try await withTestStore(for: [Account.self], subscriptions: [subscription(["account"])]) { store in
            let one = subscription(["account"])
            #expect(try await join(one, nil, store).members == [])
            #expect(try await join(one, "a", store).members == ["a"])
            #expect(try await join(one, "b", store).members == ["a", "b"])
            #expect(try await join(one, "a", store).members == ["b", "a"])
            try await store.raw.update(
                ["_id": "some", "members.holder": "b"],
                with: ["$set": ["members.0.expiresAt": .datetime(BSONDate(milliseconds: 0))]],
                in: "daybook.subscriptions")
            #expect(try await join(one, "c", store).members == ["a", "c"])
            try await store.client.withConnection(.single) {
                try SubscriptionRecord.leave("some", holder: "a", in: store.database, on: $0)
            }
            #expect(try await join(one, nil, store).members == ["c"])
        }
    }

    @Test(
        "are the types of the program whose documents are in use, and the version and the partitions of the first one")
    func types() async throws {
        try await withTestStore(for: [Account.self], subscriptions: [subscription(["account"])]) { store in
            let first = try await join(subscription(["account"]), "a", store)
            #expect(first.types == ["account"] && first.version == 1 && first.partitions == 8 && first.state == .new)
            #expect(try await join(subscription(["account", "tally"]), "b", store).types == ["account", "tally"])
            let newer = try await join(subscription(["ticket"], version: 2), "c", store)
            #expect(newer.types == ["account", "tally"] && newer.version == 1)
            #expect(newer.members == ["a", "b"], "one of another version delivers nothing")
            try await store.raw.update(
                ["_id": "some"], with: ["$set": ["version": .int32(2)]], in: "daybook.subscriptions")
            #expect(try await join(subscription(["ticket"], version: 2), "c", store).types == ["ticket"])
        }
    }
}
