@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Logging
import MetricsTestKit
import Testing

extension HeavyLoad {
    @Suite("Limits", .timeLimit(.minutes(3)))
    struct LimitTests {
        private static let limit = 15 * 1024 * 1024

        @Test(
            "G12: an event of 15 MiB is stored, and one of a byte more refused before anything is sent",
            arguments: [Lifecycle.inline, .async, .live])
        func event(_ lifecycle: Lifecycle) async throws { try await eventSize(lifecycle.keeping) }

        private func expectTooLarge<K: Keeping>(_ kept: K.Type, _ version: Int64, _ body: () async throws -> Void) async
        {
            let error = await #expect(throws: DaybookError.self) { try await body() }
            #expect(error?.code == .tooLarge)
            #expect(error?.aggregateID == "\(Writing<K>.type)/n")
            #expect(error?.version == version)
        }

        private func eventSize<K: Keeping>(_ kept: K.Type) async throws {
            try await withTestStore { store in
                try await store.prepare(for: Writing<K>.self)
                let pads = store.repository(Writing<K>.self)
                try await pads.execute(.discard([""]), on: "n")
                let empty = try #require(try await store.raw.documents(in: "journal").first).bytes.count
                let longest = String(repeating: "x", count: Self.limit - empty)
                // By more than what an event has that begins a command: the command's name.
                let padding = String(repeating: "x", count: 64)
                #expect(try await pads.execute(.discard([longest]), on: "n")?.version == 2)
                let sizes = try await store.raw.documents(in: "journal").map(\.bytes.count)
                #expect(sizes.max() == Self.limit)
                await expectTooLarge(K.self, 3) { try await pads.execute(.discard([longest + "x"]), on: "n") }
                await expectTooLarge(K.self, 4) { try await pads.execute(.discard(["", longest + padding]), on: "n") }
                await expectTooLarge(K.self, 3) {
                    try await pads.append([.discarded(text: longest + padding)], to: "n", expecting: 2)
                }
                await expectTooLarge(K.self, 3) {
                    try await store.transaction { transaction in
                        try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                        try await transaction.execute(.discard([longest + padding]), on: "n", of: Writing<K>.self)
                    }
                }
                await store.poster.drain()
                #expect(try await store.raw.documents(in: "journal").count == 2)
                #expect(try await store.raw.documents(in: "snapshots.account").isEmpty)
                #expect(try await pads.execute(.discard([""]), on: "n")?.version == 3)
                #expect(try await pads.load("n").state.discarded == 3)
            }
        }

        @Test(
            "G12: a state that grows over 16 MiB is refused where a snapshot is kept, and loads continue",
            arguments: [Lifecycle.inline, .async, .live])
        func state(_ lifecycle: Lifecycle) async throws { try await stateSize(lifecycle.keeping) }

        private func stateSize<K: Keeping>(_ kept: K.Type) async throws {
            try await withTestStore { store in
                try await store.prepare(for: Writing<K>.self)
                let pads = store.repository(Writing<K>.self)
                let half = String(repeating: "x", count: 9 << 20)
                try await pads.execute(.write(half), on: "n")
                guard K.lifecycle != .live else {
                    try await pads.execute(.write(half), on: "n")
                    #expect(try await pads.load("n").state.text.utf8.count == 18 << 20)
                    return
                }
                for body in [
                    { _ = try await pads.execute(.write(half), on: "n") },
                    { _ = try await pads.append([.written(text: half)], to: "n", expecting: 1) },
                    {
                        _ = try await store.transaction { transaction in
                            try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                            return try await transaction.execute(.write(half), on: "n", of: Writing<K>.self)
                        }
                    },
                ] as [() async throws -> Void] {
                    let error = await #expect(throws: DaybookError.self) { try await body() }
                    #expect(error?.code == .tooLarge)
                    #expect(error?.version == 2)
                }
                await store.poster.drain()
                #expect(try await store.raw.documents(in: "journal").count == 1)
                #expect(
                    try await store.raw.document(in: Writing<K>.snapshotCollection, id: "\(Writing<K>.type)/n")?
                        .integer(at: "version") == 1)
                #expect(try await pads.execute(.discard([""]), on: "n")?.version == 2)
            }
        }

        @Test(
            "a state over the limit of the warning is logged with its size and counted with every commit, one at it is not",
            arguments: [Lifecycle.inline, .async])
        func warning(_ lifecycle: Lifecycle) async throws { try await warning(lifecycle.keeping) }

        private func warning<K: Keeping>(_ kept: K.Type) async throws {
            let empty = try BSONEncoder().encode(Writing<K>()).bytes.count
            let (lines, metrics) = (CapturedLines(), TestMetrics())
            try await withTestStore(configure: {
                $0.stateWarningBytes = empty + 1_000
                $0.logger = lines.logger
                $0.metricsFactory = metrics
            }) { store in
                try await store.prepare(for: Writing<K>.self)
                let pads = store.repository(Writing<K>.self)
                try await pads.execute(.write(String(repeating: "x", count: 1_000)), on: "n")
                try await pads.execute(.discard(["", ""]), on: "n")
                #expect(lines.containing("large state").isEmpty)
                try await pads.execute(.write("x"), on: "n")
                var warnings = lines.containing("large state")
                #expect(warnings.count == 1)
                #expect(warnings.first?.level == .warning)
                #expect(warnings.first?.metadata["bytes"] == "\(empty + 1_001)")
                #expect(warnings.first?.metadata["aggregateId"] == "\(Writing<K>.type)/n")
                try await store.transaction { try await $0.execute(.discard(["", ""]), on: "n", of: Writing<K>.self) }
                try await pads.execute(.write("small"), on: "other")
                warnings = lines.containing("large state")
                #expect(warnings.count == 2)
                let counter = try metrics.expectCounter(
                    "daybook.states.large", [("aggregate", Writing<K>.type.rawValue)])
                #expect(counter.totalValue == 2)
            }
            #expect(
                !lines.all.contains { $0.message.contains("xxx") || $0.metadata.values.contains { $0.contains("xxx") } }
            )
        }

        @Test(
            "G12: a key has 1 to 256 bytes, wherever it is given",
            arguments: ["", String(repeating: "k", count: 257), "a\nb", "e\u{301}"])
        func keys(key: String) async throws {
            try await withTestStore { store in
                let accounts = store.repository(Account.self)
                for body in [
                    { _ = try await accounts.load(key) },
                    { _ = try await accounts.load(key, at: .date(.distantFuture)) },
                    { _ = try await accounts.execute(.deposit(1), on: key) }, { _ = try accounts.history(key) },
                    { _ = try await accounts.append([.deposited(amount: 1)], to: key, expecting: 0) },
                    { _ = try await accounts.correct(key, patch: [:], reason: "r", actor: "a") },
                    {
                        _ = try await store.transaction { try await $0.execute(.deposit(1), on: key, of: Account.self) }
                    },
                ] as [() async throws -> Void] {
                    let error = await #expect(throws: DaybookError.self) { try await body() }
                    #expect(error?.code == .invalidArgument)
                }
                let journal = try await store.raw.documents(in: "journal")
                #expect(journal.isEmpty)
                let longest = String(repeating: "é", count: 128)
                #expect(try await accounts.execute(.deposit(1), on: longest, commandID: longest)?.version == 1)
                #expect(try await accounts.load(longest).version == 1)
            }
        }
    }
}
