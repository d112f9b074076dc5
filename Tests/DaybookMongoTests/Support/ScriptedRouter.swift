import DaybookBSON
import DaybookMongo
import IntegrationSupport
import Synchronization

/// A router of a sharded cluster that gives the answers it is told to give, and keeps what it was asked.
final class ScriptedRouter: Sendable {
    private final class Script: Sendable {
        struct State {
            var replies: [String: [BSONDocument]] = [:]
            var requests: [FakeServer.Request] = []
        }

        let state = Mutex(State())

        /// The next reply to a command; the last one stays. Success for what nothing was said of.
        func answer(_ request: FakeServer.Request) -> BSONDocument {
            state.withLock { state in
                if ["hello", "isMaster", "ismaster"].contains(request.name) { return Self.hello }
                state.requests.append(request)
                guard var replies = state.replies[request.name], let reply = replies.first else { return ["ok": 1.0] }
                if replies.count > 1 { replies.removeFirst() }
                state.replies[request.name] = replies
                return reply
            }
        }

        /// https://www.mongodb.com/docs/manual/reference/command/hello/
        private static let hello: BSONDocument = [
            "ismaster": true, "isWritablePrimary": true, "helloOk": true, "msg": "isdbgrid",
            "maxBsonObjectSize": .int32(16_777_216), "maxMessageSizeBytes": .int32(48_000_000),
            "maxWriteBatchSize": .int32(100_000), "logicalSessionTimeoutMinutes": .int32(30),
            "minWireVersion": .int32(0),
            "maxWireVersion": .int32(25), "readOnly": false, "ok": 1.0,
        ]
    }

    private let script = Script()
    private let server: FakeServer

    init() throws {
        let script = script
        server = try FakeServer.answering { script.answer($0) }
    }

    var uri: String { "mongodb://127.0.0.1:\(server.port)/" }

    func reply(to command: String, with replies: BSONDocument...) {
        script.state.withLock { $0.replies[command] = replies }
    }

    func requests(_ command: String) -> [BSONDocument] {
        script.state.withLock { $0.requests.filter { $0.name == command }.map(\.body) }
    }

    func close() { server.close() }
}

/// Runs `body` with a client of a scripted router.
func withScriptedRouter<R: Sendable>(_ body: (MongoClient, ScriptedRouter) async throws -> R) async throws -> R {
    let router = try ScriptedRouter()
    defer { router.close() }
    let client = try MongoClient(uri: router.uri)
    do {
        let result = try await body(client, router)
        await client.close()
        return result
    } catch {
        await client.close()
        throw error
    }
}
