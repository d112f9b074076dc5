@testable import Daybook
import DaybookBSON
import IntegrationSupport
import Testing

extension HeavyLoad {
    @Suite struct OversizeTests {
        private static func text(mebibytes: Int) -> String {
            String(repeating: "x", count: mebibytes << 20)
        }

        @Test("G12: an event over 16 MiB is too large, and nothing is written", .timeLimit(.minutes(1)))
        func event() async throws {
            try await withTestStore { store in
                try await store.initialize(Notebook.self)
                let notebooks = store.repository(Notebook.self)
                try await notebooks.execute(.write("first"), on: "n")
                let error = await #expect(throws: DaybookError.self) {
                    try await notebooks.execute(.discard(["small", Self.text(mebibytes: 16), "small"]), on: "n")
                }
                #expect(error?.code == .tooLarge)
                #expect(error?.aggregateID == "notebook/n")
                #expect(error?.version == 3)
                #expect((error?.description.utf8.count ?? .max) < 1_000, "the error shows the event's content")
                let loaded = try await notebooks.load("n")
                #expect(loaded.version == 1 && loaded.state.text == "first")
                #expect(try await store.raw.documents(in: "journal").count == 1)
            }
        }

        @Test("G12: a state that grows over 16 MiB is too large, and nothing is written", .timeLimit(.minutes(1)))
        func state() async throws {
            try await withTestStore { store in
                try await store.initialize(Notebook.self)
                let notebooks = store.repository(Notebook.self)
                try await notebooks.execute(.write(Self.text(mebibytes: 9)), on: "n")
                let error = await #expect(throws: DaybookError.self) {
                    try await notebooks.execute(.write(Self.text(mebibytes: 9)), on: "n")
                }
                #expect(error?.code == .tooLarge)
                #expect(error?.version == 2)
                let inTransaction = await #expect(throws: DaybookError.self) {
                    try await store.transaction { transaction in
                        try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                        try await transaction.execute(.write(Self.text(mebibytes: 9)), on: "n", of: Notebook.self)
                    }
                }
                #expect(inTransaction?.code == .tooLarge)
                #expect(try await store.raw.documents(in: "journal").count == 1)
                #expect(try await notebooks.execute(.discard(["the next command goes through"]), on: "n")?.version == 2)
                #expect(try await notebooks.load("n", at: .version(2)) == notebooks.load("n"))
            }
        }

        @Test("a commit of several events may be over 16 MiB when each of them is not", .timeLimit(.minutes(1)))
        func commit() async throws {
            try await withTestStore { store in
                try await store.initialize(Notebook.self)
                let notebooks = store.repository(Notebook.self)
                let texts = (1...3).map { _ in Self.text(mebibytes: 7) }
                #expect(try await notebooks.execute(.discard(texts), on: "n")?.versions == 1...3)
                #expect(try await notebooks.load("n").state.discarded == 3)
                #expect(try await notebooks.load("n", at: .version(2)).state.discarded == 2)
            }
        }

        @Test(
            "a rebuild ends with the one snapshot that would be over 16 MiB named, in place and with --swap",
            .timeLimit(.minutes(2)))
        func rebuild() async throws {
            try await ReconcileFixture.withStore(for: [Notebook.self]) { store in
                let notebooks = store.repository(Notebook.self)
                try await notebooks.execute(.write("small"), on: "m")
                try await notebooks.execute(.write(Self.text(mebibytes: 9)), on: "n")
                // No commit would let it in.
                let first = try #require(try await store.raw.documents(in: "journal").first { $0["aggregateId"] == "notebook/n" })
                let id = try #require(
                    try first.withBorrowed { EventID(try #require(try $0.first("_id")).uuid()) }.advanced(by: 1))
                let next = BSONValue.binary(BSONBinary(id.uuid))
                let second = try first.setting("_id", to: next).setting("version", to: .int64(2)).setting(
                    "commit", to: ["id": next, "index": .int32(0), "count": .int32(1)])
                try await store.raw.insert([second], into: "journal")
                let before = try await ReconcileFixture.snapshots(of: Notebook.self, in: store)

                let inPlace = try await store.rebuild(ReconcileOptions())
                #expect(inPlace.unrepaired == 1)
                #expect(inPlace.findings.first?.detail.contains("16") == true, "\(inPlace.findings)")
                let error = try await daybookError { _ = try await store.rebuild(ReconcileOptions(), swap: true) }
                #expect(error?.aggregateID == "notebook/n", "\(error.map { "\($0)" } ?? "nothing")")
                #expect(try await ReconcileFixture.snapshots(of: Notebook.self, in: store) == before)
            }
        }
    }
}
