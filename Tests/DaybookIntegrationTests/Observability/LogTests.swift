@testable import Daybook
import DaybookBSON
import Foundation
import InMemoryTracing
import IntegrationSupport
import Logging
import Testing
import Tracing

@Suite("Logs", .timeLimit(.minutes(1)))
struct LogTests {
    private static let secret = "hunter2"

    @Test("nothing of an event, a state, a command, an actor, a header or a password is in any line, span or error")
    func secrets() async throws {
        let (lines, tracer) = (LogRecorder(), InMemoryTracer())
        let errors = Recorder<String>()
        try await withTestStore(configure: { configuration in
            configuration.logger = lines.logger
            configuration.tracer = tracer
            configuration.allowedHeaders = ["x-token"]
            configuration.stateWarningBytes = 1
        }) { store in
            try await store.prepare(for: Diary.self)
            let diaries = store.repository(Diary.self)
            let context = CommandContext(
                correlationID: "\(Self.secret)-c", causationID: "\(Self.secret)-d", actor: Self.secret,
                headers: ["X-Token": Self.secret])
            func attempt(_ body: () async throws -> Void) async {
                do { try await body() } catch {
                    // A rejection is the caller's own.
                    if let error = error as? DaybookError { errors.record("\(error) \(String(reflecting: error))") }
                }
            }
            for key in ["a", "b", "c", "d"] {
                try await diaries.execute(.write("\(Self.secret)-\(key)"), on: key, commandID: "c", context: context)
            }
            await store.poster.drain()
            // Snapshots that are not believed, of which some cannot be decoded.
            try await store.raw.update(
                ["_id": "diary/a"], with: ["$set": ["state": ["text": 5]]], in: "snapshots.diary")
            try await store.raw.update(
                ["_id": "diary/b"], with: ["$set": ["digest": .string(Self.secret)]], in: "snapshots.diary")
            try await store.raw.update(
                ["_id": "diary/c"], with: ["$set": ["stateSchema": .int32(9)]], in: "snapshots.diary")
            for key in ["a", "b", "c"] {
                _ = try await diaries.load(key)
                try await diaries.execute(.write(Self.secret), on: key, context: context)
            }
            for try await _ in diaries.query() {}
            // A refusal, a command id used twice, a stale version.
            await attempt { try await diaries.execute(.refuse(Self.secret), on: "a", context: context) }
            await attempt {
                try await diaries.execute(.write("\(Self.secret)!"), on: "a", commandID: "c", context: context)
            }
            await attempt {
                try await diaries.append([.written(text: Self.secret)], to: "a", expecting: 9, context: context)
            }
            // Snapshots and events that the server refuses.
            _ = try await store.raw.write(["collMod": "snapshots.diary", "validator": ["never": ["$exists": true]]])
            try await diaries.execute(.write(Self.secret), on: "d", context: context)
            await attempt { try await diaries.waitForSnapshot("d", version: 2) }
            await store.poster.drain()
            _ = try await store.raw.write(["collMod": "journal", "validator": ["never": ["$exists": true]]])
            await attempt { try await diaries.execute(.write(Self.secret), on: "d", context: context) }
            await attempt {
                try await diaries.execute(.write(String(repeating: Self.secret, count: 3_000_000)), on: "d")
            }
            _ = try await store.raw.write(["collMod": "journal", "validator": [:]])
            // An event that cannot be read.
            try await store.raw.update(
                ["aggregateId": "diary/b", "version": 1],
                with: ["$set": ["data": ["text": ["secret": .string(Self.secret)]]]],
                in: "journal")
            await attempt { _ = try await diaries.load("b", at: .version(1)) }

            #expect(lines.all.count > 8)
            #expect(errors.all.count >= 6)
            let spans = tracer.finishedSpans
            #expect(spans.count > 15)
            var texts = lines.texts + errors.all
            for span in spans {
                texts.append(span.operationName)
                span.attributes.forEach { texts.append("\($0) \($1)") }
                texts += span.errors.map { "\($0.error)" } + [span.status.map { "\($0)" } ?? ""]
            }
            for text in texts { #expect(!text.contains(Self.secret), "\(text)") }
            if let password = try ServerAddress(store.configuration.uri).credentials?.split(separator: ":").last {
                for text in texts { #expect(!text.contains(password), "\(text)") }
            }
        }
    }

    @Test("the keys of a line's metadata are the same everywhere, and what a line is about is in them")
    func keys() async throws {
        let lines = LogRecorder()
        try await withTestStore(configure: { configuration in
            configuration.logger = lines.logger
            configuration.stateWarningBytes = 1
            // What is in memory is not read again, and what is wrong with its snapshot goes unnoticed.
            configuration.aggregateCacheBytes = 0
        }) { store in
            let tallies = store.repository(Tally.self)
            try await tallies.execute(.deposit(1), on: "a")
            await store.poster.drain()
            let large = try #require(lines.all.first { $0.metadata["bytes"] != nil })
            #expect(large.level == "warning")
            #expect(large.metadata["aggregateId"] == "tally/a")
            #expect(large.metadata["version"] == "1")
            try await store.raw.update(["_id": "tally/a"], with: ["$set": ["state.balance": 9]], in: "snapshots.tally")
            _ = try await tallies.load("a")
            let ignored = try #require(lines.all.first { $0.message.contains("ignored") })
            #expect(ignored.level == "warning")
            #expect(ignored.metadata["aggregateId"] == "tally/a")
            #expect(ignored.metadata["collection"] == "\(store.database).snapshots.tally")
            let known: Set = [
                "aggregateId", "aggregateType", "bytes", "collection", "count", "error", "offset", "reason",
                "stateSchema",
                "version",
            ]
            for line in lines.all { #expect(known.isSuperset(of: line.metadata.keys)) }
        }
    }
}
