import DaybookBSON
import DaybookMongo
import IntegrationSupport
import Testing

/// What is on the wire. MongoDB refuses a field that it does not know.
@Suite("What the server is asked", .timeLimit(.minutes(2)))
struct RequestTests {
    private let namespace = Namespace(database: "tenant", collection: "things")
    private let cursor: BSONDocument = [
        "cursor": ["id": .int64(0), "ns": "tenant.things", "firstBatch": .array([])], "ok": 1.0,
    ]

    @Test("a count is an aggregation, without the fields of a find")
    func count() async throws {
        try await withScriptedRouter { client, router in
            router.reply(to: "aggregate", with: cursor)
            let namespace = namespace
            let count = try await client.withConnection(.single) {
                try $0.count(["a": 1], in: namespace, reads: .asConfigured)
            }
            #expect(count == 0)
            let request = try #require(router.requests("aggregate").first)
            for field in ["sort", "limit", "projection", "batchSize"] {
                #expect(request[field] == nil, "\(field)")
            }
            #expect(request["cursor"] == .document([:]))
        }
    }
}
