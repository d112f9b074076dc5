import DaybookBSON
import DaybookMongo
import IntegrationSupport
import Testing

/// https://www.mongodb.com/docs/manual/reference/change-events/invalidate/
@Suite("A change stream that has lost its place", .timeLimit(.minutes(2)))
struct LostPlaceTests {
    private let namespace = Namespace(database: "tenant", collection: "journal")

    private func opened(_ batch: BSONDocument..., id: Int64 = 7) -> BSONDocument {
        [
            "cursor": [
                "id": .int64(id), "ns": "tenant.journal", "firstBatch": .array(batch.map { .document($0) }),
                "postBatchResumeToken": ["_data": "8201"],
            ], "ok": 1.0,
        ]
    }

    private func more(_ batch: BSONDocument..., id: Int64 = 7) -> BSONDocument {
        [
            "cursor": [
                "id": .int64(id), "ns": "tenant.journal", "nextBatch": .array(batch.map { .document($0) }),
                "postBatchResumeToken": ["_data": "8202"],
            ], "ok": 1.0,
        ]
    }

    @Test(
        "a change stream ends with an error of its own when the collection is dropped, never with an idle element",
        arguments: [true, false])
    func invalidated(isFiltered: Bool) async throws {
        try await withScriptedRouter { client, router in
            router.reply(to: "aggregate", with: opened())
            router.reply(
                to: "getMore", with: more(),
                more(
                    ["_id": ["_data": "8203"], "operationType": "drop"],
                    ["_id": ["_data": "8204"], "operationType": "invalidate"], id: 0))
            let stream = client.changes(
                of: namespace.database, matching: isFiltered ? ["operationType": "insert"] : nil,
                maximumWait: .milliseconds(20)
            ) { try $0.first("operationType")?.string() ?? "" }.makeAsyncIterator()
            try await stream.open()
            var kinds: [String] = []
            let error = await #expect(throws: MongoError.self) {
                while let element = try await stream.next() {
                    if case .change(let kind, _) = element { kinds.append(kind) } else { kinds.append("idle") }
                    if kinds.count > 50 { break }
                }
            }
            #expect(error?.code == .placeLost)
            #expect(error?.isPlaceLost == true)
            #expect(error?.namespace == "tenant", "the stream is of the whole database")
            #expect(kinds.last == "drop")
            #expect(kinds.dropLast().allSatisfy { $0 == "idle" })
        }
    }

    @Test("a change stream's filter passes the server's last event, and the sent fields keep its type")
    func request() async throws {
        try await withScriptedRouter { client, router in
            router.reply(to: "aggregate", with: opened())
            let stream = client.changes(
                of: namespace.database, matching: ["operationType": "insert"], showing: ["clusterTime"]
            ) { _ in 0 }
            .makeAsyncIterator()
            try await stream.open()
            let request = try #require(router.requests("aggregate").first)
            guard case .array(let stages) = request["pipeline"] else {
                Issue.record("no pipeline")
                return
            }
            #expect(
                Array(stages.dropFirst()) == [
                    ["$match": ["$or": [["operationType": "insert"], ["operationType": "invalidate"]]]],
                    ["$project": ["operationType": 1, "clusterTime": 1]],
                ])
        }
    }

    @Test(
        "a lost place is recognized by the server's numbers or its label",
        arguments: [222, 260, 280, 286, 4711] as [Int32])
    func numbers(code: Int32) async throws {
        try await withScriptedRouter { client, router in
            var refusal: BSONDocument = ["ok": 0.0, "code": .int32(code), "errmsg": "no"]
            try refusal.append("errorLabels", ["NonResumableChangeStreamError"])
            router.reply(to: "aggregate", with: opened())
            router.reply(to: "getMore", with: refusal)
            let stream = client.changes(of: namespace.database, maximumWait: .milliseconds(20)) { _ in 0 }
                .makeAsyncIterator()
            let error = await #expect(throws: MongoError.self) { while try await stream.next() != nil {} }
            #expect(error?.isPlaceLost == true)
        }
    }
}
