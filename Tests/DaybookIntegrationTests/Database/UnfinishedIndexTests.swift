@testable import Daybook
import DaybookBSON
import DaybookMongo
import DaybookOperations
import Foundation
import IntegrationSupport
import Synchronization
import Testing

/// A server lists an index from the moment its build begins. Until it is built, a unique one lets duplicates in.
@Suite("An index that the server is still building", .timeLimit(.minutes(2)))
struct UnfinishedIndexTests {
    /// What a server says that is prepared but for one unique index of the journal, `aggregateId_version`.
    private final class Journalist: Sendable {
        enum Stage: Sendable { case building, built, failed }

        private struct State {
            var stage = Stage.building
            var commands: [String] = []
        }

        private let state = Mutex(State())

        func become(_ stage: Stage) { state.withLock { $0.stage = stage } }
        func count(_ command: String) -> Int { state.withLock { $0.commands.count { $0 == command } } }

        func answer(_ request: FakeServer.Request) -> BSONDocument? {
            let marks = DatabasePlan.marks
            guard request.body.string(at: "listIndexes") != marks.name else {
                return try? Self.cursor(marks.indexes.map { .document(try $0.document()) })
            }
            let command = request.name
            let stage = state.withLock { state in
                state.commands.append(command)
                return state.stage
            }
            return try? reply(to: command, at: stage)
        }

        private func reply(to command: String, at stage: Stage) throws -> BSONDocument {
            switch command {
            case "hello", "isMaster", "ismaster":
                [
                    "ismaster": true, "isWritablePrimary": true, "helloOk": true, "setName": "building",
                    "maxBsonObjectSize": .int32(16_777_216), "maxMessageSizeBytes": .int32(48_000_000),
                    "maxWriteBatchSize": .int32(100_000), "minWireVersion": .int32(0), "maxWireVersion": .int32(21),
                    "readOnly": false, "ok": 1.0,
                ]
            case "listCollections":
                Self.cursor([
                    ["name": "journal", "type": "collection", "options": .document(Journal.validation)],
                    ["name": .string(DatabasePlan.marks.name), "type": "collection", "options": [:]],
                ])
            case "listIndexes":
                Self.cursor(try indexes(at: stage))
            case "createIndexes":
                ["ok": 0.0, "code": 11_000, "codeName": "DuplicateKey", "errmsg": "E11000 duplicate key error"]
            default:
                ["ok": 1.0]
            }
        }

        /// As MongoDB lists them where it is asked for the ids of builds.
        private func indexes(at stage: Stage) throws -> [BSONValue] {
            try JournalIndex.allCases.compactMap { index in
                let document = try index.model.document()
                guard index.model.name == "aggregateId_version" else { return .document(document) }
                switch stage {
                case .building:
                    return [
                        "spec": .document(document),
                        "buildUUID": .binary(BSONBinary(subtype: .uuid, bytes: [UInt8](repeating: 7, count: 16))),
                    ]
                case .built: return .document(document)
                case .failed: return nil
                }
            }
        }

        private static func cursor(_ documents: [BSONValue]) -> BSONDocument {
            ["cursor": ["id": .int64(0), "ns": "test.$cmd", "firstBatch": .array(documents)], "ok": 1.0]
        }
    }

    private func withServer(_ body: (Journalist, DaybookStore) async throws -> Void) async throws {
        let journalist = Journalist()
        let server = try FakeServer.answering { journalist.answer($0) }
        defer { server.close() }
        let uri = "mongodb://127.0.0.1:\(server.port)/?directConnection=true"
        try await withDaybook(DaybookConfiguration(uri: uri, database: "test")) { try await body(journalist, $0) }
    }

    @Test("an unfinished index refuses commits, and the error says what to wait for")
    func refusesCommits() async throws {
        try await withServer { server, store in
            let error = try await daybookError {
                try await store.repository(Account.self).execute(.deposit(1), on: "a")
            }
            #expect(error?.code == .notInitialized)
            #expect(error?.message.contains("still building") == true)
            #expect(error?.message.contains("index of versions") == true)
            #expect(server.count("insert") == 0)
        }
    }

    @Test("initialize waits for an unfinished index, and makes no other")
    func initializeWaits() async throws {
        try await withServer { server, store in
            let isInitialized = Mutex(false)
            let initializing = Task {
                try await store.initialize()
                isInitialized.withLock { $0 = true }
            }
            await eventually("it looks again") { server.count("listIndexes") >= 3 }
            #expect(!isInitialized.withLock { $0 })
            server.become(.built)
            try await initializing.value
            #expect(server.count("createIndexes") == 0)
        }
    }

    @Test("a task that is cancelled does not wait for an unfinished index")
    func cancelled() async throws {
        try await withServer { server, store in
            let initializing = Task { try await store.initialize() }
            await eventually("it waits") { server.count("listIndexes") >= 2 }
            initializing.cancel()
            await #expect(throws: CancellationError.self) { try await initializing.value }
        }
    }

    @Test("initialize makes an index whose build has failed, and the error says why it could not be built")
    func buildFails() async throws {
        try await withServer { server, store in
            let initializing = Task { try await store.initialize() }
            await eventually("it waits") { server.count("listIndexes") >= 2 }
            server.become(.failed)
            let error = try await daybookError { try await initializing.value }
            #expect(error?.code == .damagedJournal)
            #expect(server.count("createIndexes") == 1)
        }
    }

    @Test("doctor reports an unfinished index as a problem, with what it prevents")
    func doctor() async throws {
        try await withServer { _, store in
            let check = try #require(await store.diagnose().checks.first { $0.name == "journal" })
            #expect(check.level == .problem)
            #expect(check.detail.contains("aggregateId_version"))
            #expect(check.detail.contains("still building"))
            #expect(check.remedy?.contains("init") == true)
        }
    }

    @Test("an index is built however long it takes, although the socket timeout ends other commands")
    func outlastsSocketTimeout() async throws {
        try await withDriverFixture { fixture in
            try await fixture.withProxy { proxy in
                let uri = try fixture.uri(through: proxy, "socketTimeoutMS=2000")
                try await withDaybook(DaybookConfiguration(uri: uri, database: fixture.database)) { store in
                    proxy.fail("createIndexes", .hold)
                    let initializing = Task { try await store.initialize() }
                    await eventually("the build is under way") { proxy.held == 1 }
                    proxy.fail("count", .hold)
                    let database = fixture.database
                    let error = await #expect(throws: MongoError.self) {
                        try await store.client.withConnection(.single) {
                            try $0.read(["count": "journal"], database: database, isRetried: false)
                        }
                    }
                    // It began later than the build, and its time is over.
                    #expect(error?.code == .network)
                    await proxy.release()
                    try await initializing.value
                    #expect(proxy.count("createIndexes") == 2, "once for the journal, once for the marks")
                    #expect(
                        try await store.client.withConnection(.single) { try $0.indexes(of: store.journal.namespace) }
                            .count == 3)
                }
            }
        }
    }
}
