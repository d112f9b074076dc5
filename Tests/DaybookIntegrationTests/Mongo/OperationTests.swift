import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

@Suite("A connection", .timeLimit(.minutes(1)))
struct OperationTests {
    private func withConnection(
        _ body: @Sendable (isolated MongoConnection, Namespace) async throws -> Void
    ) async throws {
        try await withDriverFixture { fixture in
            let client = try MongoClient(uri: fixture.uri())
            let namespace = fixture.namespace()
            try await client.withConnection(.single) { try await body($0, namespace) }
            await client.close()
        }
    }

    @Test("a connection creates, lists and drops indexes, and reports a conflicting one")
    func indexes() async throws {
        try await withConnection { connection, namespace in
            #expect(try connection.indexes(of: namespace).isEmpty)
            let models = [
                IndexModel(
                    name: "a_b", keys: [("a", 1), ("b", -1)], isUnique: true, partialFilter: ["a": ["$exists": true]]),
                IndexModel(name: "at", keys: [("at", 1)], expiresAfter: .seconds(3600)),
            ]
            try connection.createIndexes(models, in: namespace)
            try connection.createIndexes(models, in: namespace)
            let found = try connection.indexes(of: namespace)
            #expect(found.map { $0["name"] } == ["_id_", "a_b", "at"])
            #expect(found[1]["unique"] == true)
            let conflict = #expect(throws: MongoError.self) {
                try connection.createIndexes([IndexModel(name: "a_b", keys: [("c", 1)])], in: namespace)
            }
            #expect([85, 86].contains(conflict?.serverCode))
            try connection.dropIndex("at", of: namespace)
            #expect(try connection.indexes(of: namespace).count == 2)
            // It refuses what it is there to refuse, and names its fields but not its values.
            try connection.insert([["_id": 1, "a": "x-secret", "b": 1]], into: namespace)
            let duplicate = #expect(throws: MongoError.self) {
                try connection.insert([["_id": 2, "a": "x-secret", "b": 1]], into: namespace)
            }
            #expect(duplicate?.code == .duplicateKey)
            #expect(duplicate?.keyPattern == ["a", "b"])
            #expect(duplicate?.description.contains("x-secret") == false)
        }
    }

    @Test("a connection sends each operation with the concerns that it is given")
    func concerns() async throws {
        try await withDriverFixture { fixture in
            try await fixture.withProxy { proxy in
                let client = try MongoClient(uri: fixture.uri(through: proxy))
                let namespace = fixture.namespace()
                let weak = WriteConcern(.members(1), isJournaled: false, timeout: .seconds(2))
                try await client.withConnection(.single) { connection in
                    try connection.insert([["_id": 1]], into: namespace)
                    try connection.insert([["_id": 2]], into: namespace, writeConcern: weak)
                    try connection.updateOne(["_id": 1], with: ["$set": ["n": 1]], in: namespace, writeConcern: weak)
                    _ = try connection.bulkWrite(
                        [.deleteOne(["_id": 1])], ordered: true, in: namespace, writeConcern: weak)
                    for reads in [FindOptions.Reads.deciding, .asConfigured, .onPrimary(.local)] {
                        _ = try connection.findOne([:], in: namespace, options: FindOptions(reads: reads)) { _ in 0 }
                    }
                }
                func sent(_ command: String, _ concern: String) -> [BSONDocument?] {
                    proxy.exchanges.filter { $0.command == command }.map {
                        if case .document(let document) = $0.request[concern] { document } else { nil }
                    }
                }
                let expected: BSONDocument = ["w": .int32(1), "j": false, "wtimeout": 2000]
                #expect(sent("insert", "writeConcern").map { $0?["w"] } == ["majority", .int32(1)])
                #expect(sent("insert", "writeConcern").first??["j"] == true)
                #expect(sent("update", "writeConcern").map { $0?["w"] } == [expected["w"]])
                #expect(sent("delete", "writeConcern").map { $0?["j"] } == [false])
                #expect(sent("find", "readConcern").map { $0?["level"] } == ["majority", nil, "local"])
                await client.close()
            }
        }
    }

    @Test(
        "a connection allows the server to sort and group on disk, which MongoDB 5.0 does only if the request allows it"
    )
    func diskUse() async throws {
        try await withDriverFixture { fixture in
            try await fixture.withProxy { proxy in
                let client = try MongoClient(uri: fixture.uri(through: proxy))
                let namespace = fixture.namespace()
                try await client.withConnection(.single) { connection in
                    _ = try connection.findOne([:], in: namespace) { _ in 0 }
                    _ = try connection.findOne([:], in: namespace, options: FindOptions(sort: [("n", 1)])) { _ in 0 }
                    _ = try connection.count([:], in: namespace)
                }
                let sent = proxy.exchanges.filter { ["find", "aggregate"].contains($0.command) }
                #expect(sent.map(\.command) == ["find", "find", "aggregate"])
                #expect(sent.map { $0.request["allowDiskUse"] } == [nil, true, true])
                await client.close()
            }
        }
    }

    @Test("a connection reports the phase in which a transaction failed, and refuses operations until it is ended")
    func phases() async throws {
        try await withConnection { connection, namespace in
            try connection.insert([["_id": 1]], into: namespace)
            try connection.beginTransaction()
            let duplicate = #expect(throws: MongoError.self) { try connection.insert([["_id": 1]], into: namespace) }
            #expect(duplicate?.phase == .operation)
            for _ in 0..<2 {
                let later = #expect(throws: MongoError.self) { try connection.insert([["_id": 2]], into: namespace) }
                #expect(later?.code == .duplicateKey)
            }
            let reading = #expect(throws: MongoError.self) { _ = try connection.count([:], in: namespace) }
            #expect(reading?.code == .duplicateKey)
            let commit = #expect(throws: MongoError.self) { try connection.commitTransaction() }
            #expect(commit?.code == .duplicateKey)
            connection.endTransaction()
            #expect(try connection.count([:], in: namespace) == 1)
            let outside = #expect(throws: MongoError.self) { try connection.insert([["_id": 1]], into: namespace) }
            #expect(outside?.phase == nil)
        }
    }

    @Test("a connection distinguishes a failed commit from a failed operation")
    func commitPhase() async throws {
        try await withDriverFixture { fixture in
            let client = try MongoClient(uri: fixture.uri())
            let namespace = fixture.namespace()
            try await fixture.withFailPoint { failPoint in
                try await failPoint.set(
                    .times(1), ["commitTransaction"],
                    ["errorCode": .int32(251), "errorLabels": ["TransientTransactionError"]])
                let error = await #expect(throws: MongoError.self) {
                    try await client.withConnection(.transaction) { connection in
                        try connection.beginTransaction()
                        try connection.insert([["_id": 1]], into: namespace)
                        try connection.commitTransaction()
                    }
                }
                #expect(error?.phase == .commit)
                #expect(error?.labels == .transientTransaction)
            }
            await client.close()
        }
    }

    @Test("a connection returns the results of an aggregation in order, and counts documents")
    func reads() async throws {
        try await withConnection { connection, namespace in
            try connection.insert((0..<250).map { ["_id": .int32($0), "odd": .bool($0 % 2 == 1)] }, into: namespace)
            var found: [Int32] = []
            try connection.aggregate([["$match": ["odd": true]], ["$sort": ["_id": -1]]], in: namespace) {
                found.append(try $0.first("_id")?.int32() ?? -1)
                return found.count < 110
            }
            #expect(found == (0..<110).map { 249 - 2 * $0 })
            #expect(try connection.count(["odd": true], in: namespace) == 125)
            #expect(try connection.count(["odd": "neither"], in: namespace) == 0)
        }
    }
}
