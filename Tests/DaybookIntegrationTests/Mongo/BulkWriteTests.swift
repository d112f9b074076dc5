import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// What a bulk write says of each operation is what is in the database.
@Suite("A bulk write", .timeLimit(.minutes(2)))
struct BulkWriteTests {
    @Test("a bulk write of mixed kinds executes and counts each operation", arguments: [true, false])
    func mixed(ordered: Bool) async throws {
        try await withDriverFixture { fixture in
            try await fixture.insert((0..<6).map { ["_id": .int32($0), "n": .int32($0)] })
            let client = try MongoClient(uri: fixture.uri())
            let result = try await client.bulk(
                [
                    .insert(["_id": 10]),
                    .updateOne(["_id": 0], update: ["$set": ["n": 100]]),
                    .insert(["_id": 11]),
                    .deleteOne(["_id": 1]),
                    .replaceOne(["_id": 2], replacement: ["_id": 2, "new": true]),
                    .updateMany(["n": ["$gte": 4, "$lt": 100]], update: ["$inc": ["n": 10]]),
                    .updateOne(["_id": 20], update: ["$set": ["n": 20]], upsert: true),
                    .replaceOne(["_id": 21], replacement: ["_id": 21], upsert: true),
                    .deleteMany(["_id": ["$in": [3, 77]]]),
                    .updateOne(["_id": 99], update: ["$set": ["n": 1]]),
                    .deleteOne(["_id": 98]),
                    .updateOne(["_id": 5], update: ["$set": ["same": 1]]),
                ], ordered: ordered, in: fixture.namespace())
            #expect(result.isComplete)
            #expect(result.fates == [Fate](repeating: .done, count: 12))
            #expect(result.inserted == 2)
            #expect(result.matched == 5)
            #expect(result.modified == 5)
            #expect(result.upserted == 2)
            #expect(result.deleted == 2)
            let documents = try await fixture.documents()
            #expect(documents.map { $0["_id"] }.count == 8)
            #expect(documents.first?["n"] == 100)
            await client.close()
        }
    }

    @Test("a bulk write without operations sends nothing")
    func empty() async throws {
        try await withDriverFixture { fixture in
            try await fixture.withProxy { proxy in
                let client = try MongoClient(uri: fixture.uri(through: proxy))
                let result = try await client.bulk([], ordered: true, in: fixture.namespace())
                #expect(result.outcomes.isEmpty)
                #expect(result.isComplete)
                #expect(proxy.count("insert") == 0)
                await client.close()
            }
        }
    }

    @Test("an ordered bulk write stops at a duplicate: earlier operations took effect, and later ones were not tried")
    func orderedDuplicate() async throws {
        try await withDriverFixture { fixture in
            try await fixture.insert([["_id": 2]])
            let client = try MongoClient(uri: fixture.uri())
            let result = try await client.bulk(
                (0..<5).map { .insert(["_id": .int64($0)]) } + [.deleteOne(["_id": 0])], ordered: true,
                in: fixture.namespace())
            #expect(result.fates == [.done, .done, .failed(.duplicateKey), .notSent, .notSent, .notSent])
            #expect(result.inserted == 2)
            #expect(result.deleted == 0)
            #expect(try await fixture.ids() == [0, 1, 2])
            guard case .failed(let error) = result.outcomes[2] else { return }
            #expect(error.index == 2)
            #expect(error.keyPattern == ["_id"])
            #expect(error.namespace == fixture.namespace().description)
            #expect(!result.isComplete)
            await client.close()
        }
    }

    @Test("an unordered bulk write executes everything but the duplicates, wherever they are")
    func unorderedDuplicates() async throws {
        try await withDriverFixture { fixture in
            try await fixture.insert([["_id": 0], ["_id": 3], ["_id": 7]])
            let client = try MongoClient(uri: fixture.uri())
            // An update between the inserts: they travel in other commands than they stand in.
            var operations: [BulkOperation] = (0..<8).map { .insert(["_id": .int64($0)]) }
            operations.insert(.updateOne(["_id": 3], update: ["$set": ["seen": true]]), at: 4)
            let result = try await client.bulk(operations, ordered: false, in: fixture.namespace())
            let duplicate = Fate.failed(.duplicateKey)
            #expect(result.fates == [duplicate, .done, .done, duplicate, .done, .done, .done, .done, duplicate])
            #expect(result.inserted == 5)
            #expect(result.modified == 1)
            #expect(try await fixture.ids() == (0..<8).map { .int64($0) })
            let failures = result.outcomes.compactMap { if case .failed(let error) = $0 { error.index } else { nil } }
            #expect(failures == [0, 3, 8])
            await client.close()
        }
    }

    @Test(
        "a bulk write distinguishes the validator's refusals from duplicates, and shows no content",
        arguments: [true, false])
    func validator(ordered: Bool) async throws {
        try await withDriverFixture { fixture in
            _ = try await fixture.run(["create": "things", "validator": ["n": ["$lt": 10]]])
            let client = try MongoClient(uri: fixture.uri())
            let result = try await client.bulk(
                [
                    .insert(["_id": 0, "n": 1]), .insert(["_id": 1, "n": 99, "secret": "top-secret"]),
                    .insert(["_id": 0, "n": 1]),
                    .insert(["_id": 3, "n": 3]),
                ], ordered: ordered, in: fixture.namespace())
            let ids = try await fixture.ids()
            if ordered {
                #expect(result.fates[1...] == [.failed(.validationFailed), .notSent, .notSent])
                // SecantusDB validates all before it inserts any, and says so by its count; MongoDB has inserted the
                // first.
                #expect(result.fates[0] == (ids == [0] ? .done : .unknown))
            } else {
                #expect(result.fates == [.done, .failed(.validationFailed), .failed(.duplicateKey), .done])
                #expect(ids == [0, 3])
            }
            #expect(result.inserted == ids.count)
            #expect(!"\(result.outcomes)".contains("top-secret"))
            await client.close()
        }
    }

    @Test("a bulk write refuses only the one document over 16 MiB of three", arguments: [true, false])
    func oversize(ordered: Bool) async throws {
        try await withDriverFixture { fixture in
            let client = try MongoClient(uri: fixture.uri())
            let result = try await client.bulk(
                [
                    .insert(["_id": .int32(0)]), .insert(document(1, byteCount: maximumDocumentBytes + 1)),
                    .insert(document(2, byteCount: maximumDocumentBytes)),
                ], ordered: ordered, in: fixture.namespace())
            #expect(
                result.fates == (ordered ? [.done, .failed(.tooLarge), .notSent] : [.done, .failed(.tooLarge), .done]))
            #expect(try await fixture.ids() == (ordered ? numbers(0..<1) : [.int32(0), .int32(2)]))
            #expect(result.inserted == (ordered ? 1 : 2))
            guard case .failed(let error) = result.outcomes[1] else { return }
            #expect(error.index == 1)
            await client.close()
        }
    }

    @Test("a bulk write refuses only the one update over 16 MiB of three", arguments: [true, false])
    func oversizeUpdate(ordered: Bool) async throws {
        try await withDriverFixture { fixture in
            try await fixture.insert((0..<3).map { ["_id": .int32($0)] })
            let client = try MongoClient(uri: fixture.uri())
            let large = document(1, byteCount: maximumDocumentBytes + 32 * 1024)
            let result = try await client.bulk(
                [
                    .updateOne(["_id": 0], update: ["$set": ["n": 1]]),
                    .updateOne(["_id": 1], update: ["$set": ["n": .document(large)]]),
                    .updateOne(["_id": 2], update: ["$set": ["n": 1]]),
                ], ordered: ordered, in: fixture.namespace())
            #expect(
                result.fates == (ordered ? [.done, .failed(.tooLarge), .notSent] : [.done, .failed(.tooLarge), .done]))
            #expect(result.modified == (ordered ? 1 : 2))
            await client.close()
        }
    }

    @Test("a bulk write in a transaction fails with one error, and nothing is written")
    func inTransaction() async throws {
        try await withDriverFixture { fixture in
            try await fixture.insert([["_id": 2]])
            let client = try MongoClient(uri: fixture.uri())
            let namespace = fixture.namespace()
            for large in [false, true] {
                let third: BSONDocument = large ? document(4, byteCount: maximumDocumentBytes + 1) : ["_id": 2]
                let error = await #expect(throws: MongoError.self) {
                    try await client.withConnection(.transaction) { connection in
                        try connection.beginTransaction()
                        _ = try connection.bulkWrite(
                            [.insert(["_id": 0]), .insert(["_id": 1]), .insert(third)], ordered: false, in: namespace)
                        try connection.commitTransaction()
                    }
                }
                #expect(error?.code == (large ? .tooLarge : .duplicateKey))
                #expect(try await fixture.ids() == [2])
            }
            await client.close()
        }
    }

    @Test("a bulk write that exceeds one command accounts for every operation", arguments: [true, false])
    func manyOperations(ordered: Bool) async throws {
        let count = Int32(Scale.bulkOperations)
        try await withDriverFixture { fixture in
            try await fixture.insert([["_id": .int32(count / 2)]])
            try await fixture.withProxy { proxy in
                let client = try MongoClient(uri: fixture.uri(through: proxy))
                let result = try await client.bulk(
                    (0..<count).map { .insert(["_id": .int32($0)]) }, ordered: ordered, in: fixture.namespace())
                let failed = Int(count / 2)
                #expect(result.fates[failed] == .failed(.duplicateKey))
                #expect(result.inserted == (ordered ? failed : Int(count) - 1))
                #expect(result.fates.count { $0 == .done } == result.inserted)
                #expect(try await fixture.count() == result.inserted + 1)
                #expect(proxy.count("insert") == (count > 100_000 && !ordered ? 2 : 1))
                await client.close()
            }
        }
    }

    @Test(
        "a bulk write of more than 48 MB is sent in several commands and completely written",
        .enabled(if: Scale.isLarge))
    func manyBytes() async throws {
        try await withDriverFixture { fixture in
            try await fixture.withProxy { proxy in
                let client = try MongoClient(uri: fixture.uri(through: proxy))
                let result = try await client.bulk(
                    (0..<5).map { .insert(document($0, byteCount: 12_000_000)) }, ordered: true, in: fixture.namespace()
                )
                #expect(result.isComplete)
                #expect(result.inserted == 5)
                #expect(try await fixture.ids() == numbers(0..<5))
                #expect(proxy.count("insert") == 2)
                await client.close()
            }
        }
    }
}

/// How much the tests do; small unless `DAYBOOK_TEST_SCALE=large`.
enum Scale {
    static let isLarge = ProcessInfo.processInfo.environment["DAYBOOK_TEST_SCALE"] == "large"
    static var bulkOperations: Int { isLarge ? 100_050 : 2_050 }
    static var loops: Int { isLarge ? 1_000 : 1_000 }
}
