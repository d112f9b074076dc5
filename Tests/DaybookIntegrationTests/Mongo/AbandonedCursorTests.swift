import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// The server is asked for the very cursor: it must not know it any more.
@Suite("A cursor whose iterator is abandoned", .timeLimit(.minutes(2)))
struct AbandonedCursorTests {
    private struct Undecodable: Error {}

    private func withOpenCursor(
        _ iterate: (MongoClient, Namespace) async throws -> Void
    ) async throws {
        try await withDriverFixture { fixture in
            try await fixture.insert((0..<500).map { ["_id": .int32($0)] })
            try await fixture.withProxy { proxy in
                let client = try MongoClient(uri: fixture.uri(through: proxy))
                try await iterate(client, fixture.namespace())
                await eventually("the connection is back") { client.connectionsInUse == 0 }
                #expect(client.connectionsInUse == 0)
                let opened = proxy.exchanges.compactMap { exchange -> BSONValue? in
                    guard ["find", "aggregate"].contains(exchange.command),
                        case .document(let cursor) = exchange.reply?["cursor"]
                    else {
                        return nil
                    }
                    return cursor["id"]
                }
                let id = try #require(opened.first)
                #expect(id != .int64(0))
                try await eventually("the server has closed it") { try await isGone(id, fixture) }
                #expect(try await isGone(id, fixture))
                await client.close()
            }
        }
    }

    private func isGone(_ id: BSONValue, _ fixture: DriverFixture) async throws -> Bool {
        do {
            _ = try await fixture.read(["getMore": id, "collection": "things", "batchSize": .int32(1)])
            return false
        } catch {
            guard (error as? MongoError)?.serverCode == 43 /* CursorNotFound */ else { throw error }
            return true
        }
    }

    @Test("an abandoned cursor is closed, and its connection is free")
    func abandoned() async throws {
        try await withOpenCursor { client, namespace in
            var seen = 0
            for try await _ in client.find([:], in: namespace, options: FindOptions(batchSize: 10), decode: { _ in 0 })
            {
                seen += 1
                if seen == 260 { break }
            }
            #expect(seen == 260)
        }
    }

    @Test("a cursor is closed when a document cannot be decoded, in the first batch or later", arguments: [5, 300])
    func undecodable(at place: Int32) async throws {
        try await withOpenCursor { client, namespace in
            await #expect(throws: Undecodable.self) {
                let numbers = client.find([:], in: namespace, options: FindOptions(batchSize: 10)) { document in
                    let number = try document.first("_id")?.int32() ?? 0
                    if number == place { throw Undecodable() }
                    return number
                }
                for try await _ in numbers {}
            }
        }
    }

    @Test("a cursor is closed when the task that iterates is cancelled")
    func cancelled() async throws {
        try await withOpenCursor { client, namespace in
            let task = Task {
                for try await number in client.find(
                    [:], in: namespace, options: FindOptions(batchSize: 10),
                    decode: { try $0.first("_id")?.int32() ?? 0 })
                where number == 0 {
                    withUnsafeCurrentTask { $0?.cancel() }
                }
            }
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test("an abandoned cursor of an aggregation is closed too")
    func aggregation() async throws {
        try await withOpenCursor { client, namespace in
            for try await _ in client.aggregate(
                [["$match": [:]]], in: namespace, options: FindOptions(batchSize: 10), decode: { _ in 0 })
            {
                break
            }
        }
    }

    @Test("a cursor is closed when the visitor of a connection's own find stops or throws")
    func visitor() async throws {
        try await withOpenCursor { client, namespace in
            await #expect(throws: Undecodable.self) {
                try await client.withConnection(.cursor) { connection in
                    try connection.find([:], in: namespace, options: FindOptions(batchSize: 10)) { _ in
                        throw Undecodable()
                    }
                }
            }
        }
    }
}
