import DaybookBSON
import DaybookMongo
import IntegrationSupport
import Testing

@Suite("bulkWrite in a transaction", .timeLimit(.minutes(1)))
struct BulkCommandTests {
    private func withTransaction(
        _ body: @Sendable (isolated MongoConnection, Namespace, Namespace) async throws -> Void
    ) async throws {
        try await withDriverFixture { fixture in
            let client = try MongoClient(uri: fixture.uri())
            let (first, second) = (fixture.namespace("first"), fixture.namespace("second"))
            try await client.withConnection(.transaction) { connection in
                try connection.insert([["_id": 1, "n": 1], ["_id": 2, "n": 2]], into: first)
                let hasBulkCommand = connection.hasBulkCommand
                try #require(hasBulkCommand)
                try connection.beginTransaction()
                try await body(connection, first, second)
            }
            await client.close()
        }
    }

    @Test(
        "bulkWrite writes to several collections at once, counts the documents of each write, and takes effect with the commit"
    )
    func counts() async throws {
        try await withTransaction { connection, first, second in
            let counts = try connection.bulkCommand([
                NamespacedOperation(.insert(["_id": 7, "$odd.name": true]), in: second),
                NamespacedOperation(.replaceOne(["_id": 1], replacement: ["n": 10]), in: first),
                NamespacedOperation(.replaceOne(["_id": 1, "n": 99], replacement: ["n": 11]), in: first),
                NamespacedOperation(.updateMany(["n": ["$gt": 0]], update: ["$inc": ["n": 1]]), in: first),
                NamespacedOperation(.updateOne(["_id": 8], update: ["$set": ["n": 8]], upsert: true), in: second),
                NamespacedOperation(.deleteOne(["_id": 2]), in: first),
                NamespacedOperation(.deleteMany(["_id": "nobody"]), in: first),
            ])
            #expect(counts == [1, 1, 0, 2, 1, 1, 0])
            try connection.commitTransaction()
            #expect(try connection.count([:], in: first) == 1)
            #expect(try connection.count(["_id": 1, "n": 11], in: first) == 1)
            #expect(try connection.count([:], in: second) == 2)
        }
    }

    @Test(
        "bulkWrite names the first write that fails, its collection and its index, and nothing of the transaction is written"
    )
    func failure() async throws {
        try await withTransaction { connection, first, second in
            let error = #expect(throws: MongoError.self) {
                _ = try connection.bulkCommand([
                    NamespacedOperation(.insert(["_id": 7]), in: second),
                    NamespacedOperation(.insert(["_id": 2]), in: first),
                    NamespacedOperation(.insert(["_id": 3]), in: first),
                ])
            }
            #expect(error?.code == .duplicateKey)
            #expect(error?.index == 1)
            #expect(error?.operation == "insert")
            #expect(error?.namespace == first.description)
            #expect(error?.keyPattern == ["_id"])
            #expect(error?.phase == .operation)
            let reading = #expect(throws: MongoError.self) { _ = try connection.count([:], in: first) }
            #expect(reading?.code == .duplicateKey)
            connection.endTransaction()
            let counts = try [first, second].map { try connection.count([:], in: $0) }
            #expect(counts == [2, 0])
        }
    }
}
