import DaybookBSON
import DaybookMongo
import IntegrationSupport
import Testing

/// Answers that a router gives and a single server does not: https://github.com/mongodb/mongo, src/mongo/s/write_ops.
@Suite("What a router answers", .timeLimit(.minutes(2)))
struct RouterAnswerTests {
    private let namespace = Namespace(database: "tenant", collection: "things")

    /// `ok: 1`, one document done, and one write error.
    private func refusal(_ code: Int32, at index: Int32) -> BSONDocument {
        [
            "n": .int32(index), "writeErrors": [["index": .int32(index), "code": .int32(code), "errmsg": "no"]],
            "ok": 1.0,
        ]
    }

    /// What became of three inserts, in a letter each.
    private func outcomes(_ client: MongoClient, ordered: Bool) async throws -> String {
        let namespace = namespace
        let result = try await client.withConnection(.single) { connection in
            try connection.bulkWrite((1...3).map { .insert(["_id": .int32($0)]) }, ordered: ordered, in: namespace)
        }
        return result.outcomes.map { outcome in
            switch outcome {
            case .done: "d"
            case .failed: "f"
            case .notSent: "n"
            case .unknown: "u"
            }
        }.joined()
    }

    @Test(
        "a write error with the code of a lost answer leaves its document unknown, and in order those after it as well",
        arguments: [6, 7, 83, 89, 90, 91, 133, 189, 202, 262, 279, 9001, 10107, 11600, 11602, 4711] as [Int32])
    func lostAnswer(code: Int32) async throws {
        try await withScriptedRouter { client, router in
            var reply = refusal(code, at: 1)
            router.reply(to: "insert", with: reply)
            let ordered = try await outcomes(client, ordered: true)
            #expect(ordered == "duu")
            reply = [
                "n": .int32(2), "writeErrors": [["index": .int32(1), "code": .int32(code), "errmsg": "no"]], "ok": 1.0,
            ]
            router.reply(to: "insert", with: reply)
            let unordered = try await outcomes(client, ordered: false)
            #expect(unordered == "dud")
        }
    }

    @Test(
        "a write error that refuses its document fails it, and in order those after it are not sent",
        arguments: [2, 13, 121, 10334, 11000, 14031] as [Int32])
    func verdict(code: Int32) async throws {
        try await withScriptedRouter { client, router in
            router.reply(to: "insert", with: refusal(code, at: 1))
            let ordered = try await outcomes(client, ordered: true)
            #expect(ordered == "dfn")
            router.reply(
                to: "insert",
                with: [
                    "n": .int32(2), "writeErrors": [["index": .int32(1), "code": .int32(code), "errmsg": "no"]],
                    "ok": 1.0,
                ])
            let unordered = try await outcomes(client, ordered: false)
            #expect(unordered == "dfd")
        }
    }

    @Test(
        "a shard without the command bulkWrite says so in an item: the command is not used again",
        arguments: [59, 115, 40415] as [Int32])
    func bulkCommandInItem(code: Int32) async throws {
        try await withScriptedRouter { client, router in
            router.reply(
                to: "bulkWrite",
                with: [
                    "cursor": [
                        "id": .int64(0), "ns": "admin.$cmd.bulkWrite",
                        "firstBatch": [
                            ["ok": 0.0, "idx": .int32(0), "code": .int32(code), "errmsg": "no", "n": .int32(0)]
                        ],
                    ],
                    "ok": 1.0,
                ])
            try await expectNoBulkCommand(client)
        }
    }

    @Test(
        "a server without the command bulkWrite says so of the whole: the command is not used again",
        arguments: [59, 115, 40415] as [Int32])
    func bulkCommandAsWhole(code: Int32) async throws {
        try await withScriptedRouter { client, router in
            router.reply(to: "bulkWrite", with: ["ok": 0.0, "code": .int32(code), "errmsg": "no"])
            try await expectNoBulkCommand(client)
        }
    }

    private func expectNoBulkCommand(_ client: MongoClient) async throws {
        let namespace = namespace
        let (error, before, after) = try await client.withConnection(.transaction) {
            connection -> (MongoError?, Bool, Bool) in
            let before = connection.hasBulkCommand
            try connection.beginTransaction()
            do throws(MongoError) {
                _ = try connection.bulkCommand([NamespacedOperation(.insert(["_id": 1]), in: namespace)])
                return (nil, before, connection.hasBulkCommand)
            } catch {
                return (error, before, connection.hasBulkCommand)
            }
        }
        #expect(error?.isUnknownCommand == true)
        #expect(before)
        #expect(!after)
    }

    @Test(
        "another error of an item does not mean that the command is unknown, also after another connection has found it missing"
    )
    func otherItem() async throws {
        try await withScriptedRouter { client, router in
            router.reply(
                to: "bulkWrite",
                with: [
                    "cursor": [
                        "id": .int64(0), "ns": "admin.$cmd.bulkWrite",
                        "firstBatch": [
                            [
                                "ok": 0.0, "idx": .int32(0), "code": .int32(11000), "errmsg": "no",
                                "keyPattern": ["state.email": 1],
                                "n": .int32(0),
                            ]
                        ],
                    ],
                    "ok": 1.0,
                ])
            let namespace = namespace
            let (error, has) = try await client.withConnection(.transaction) { connection -> (MongoError?, Bool) in
                try connection.beginTransaction()
                do throws(MongoError) {
                    _ = try connection.bulkCommand([NamespacedOperation(.insert(["_id": 1]), in: namespace)])
                    return (nil, connection.hasBulkCommand)
                } catch {
                    return (error, connection.hasBulkCommand)
                }
            }
            #expect(error?.code == .duplicateKey)
            #expect(error?.keyPattern == ["state.email"])
            #expect(error?.isUnknownCommand == false)
            #expect(has)
        }
    }

    @Test(
        "a commit is unknown after any answer without the label of a transient error, but for what is found before it begins",
        arguments: [
            (["ok": 0.0, "code": 133, "errmsg": "no"], false),
            (["ok": 0.0, "code": 202, "errmsg": "no"], false),
            (["ok": 0.0, "code": 279, "errmsg": "no"], false),
            (["ok": 0.0, "code": 251, "errmsg": "no"], false),
            (
                ["ok": 0.0, "code": 251, "errmsg": "no", "writeConcernError": ["code": 64, "errmsg": "too few"]],
                false
            ),
            (["ok": 1.0, "writeConcernError": ["code": 91, "errmsg": "too few"]], false),
            (["ok": 0.0, "code": 13, "errmsg": "no"], true),
            (["ok": 0.0, "code": 251, "errmsg": "no", "errorLabels": ["TransientTransactionError"]], true),
        ] as [(BSONDocument, Bool)])
    func commit(reply: BSONDocument, isAborted: Bool) async throws {
        try await withScriptedRouter { client, router in
            router.reply(to: "commitTransaction", with: reply)
            router.reply(to: "insert", with: ["n": 1, "ok": 1.0])
            let namespace = namespace
            let error = try await client.withConnection(.transaction) { connection -> MongoError? in
                try connection.beginTransaction()
                try connection.insert([["_id": 1]], into: namespace)
                do throws(MongoError) {
                    try connection.commitTransaction()
                    return nil
                } catch {
                    return error
                }
            }
            #expect(error != nil)
            #expect(error?.isDefiniteAbort == isAborted)
        }
    }
}
