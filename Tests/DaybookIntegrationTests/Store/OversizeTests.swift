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

        /// An event of exactly this many bytes.
        private func discard(_ bytes: Int, _ notebooks: Repository<Notebook>, _ store: DaybookStore) async throws {
            let first = try #require(try await store.raw.documents(in: "journal").first)
            let rest = first.bytes.count - "first".utf8.count
            try await notebooks.execute(.discard([String(repeating: "x", count: bytes - rest)]), on: "n")
        }

        @Test(
            "G12: an event of 15 MiB is appended and followed; a larger one is too large, and nothing is written",
            .timeLimit(.minutes(1)))
        func largest() async throws {
            try await withTestStore { store in
                let notebooks = store.repository(Notebook.self)
                try await notebooks.execute(.discard(["first"]), on: "n")
                let error = await #expect(throws: DaybookError.self) {
                    try await discard(15 << 20 + 1, notebooks, store)
                }
                #expect(error?.code == .tooLarge)
                #expect(error?.message.contains("\(15 << 20)") == true)
                #expect(try await store.raw.documents(in: "journal").count == 1)
                let feed = JournalFeed(of: store.tail)
                var versions: [Int64?] = []
                var size = 0
                func read(until count: Int) async throws {
                    while versions.count < count {
                        for event in try await feed.next().events {
                            versions.append(event.head?.version)
                            size = event.document.bytes.count
                        }
                    }
                    while try await !feed.next().isFollowing {}
                }
                try await read(until: 1)
                try await discard(15 << 20, notebooks, store)
                try await read(until: 2)
                #expect(versions == [1, 2])
                #expect(size == 15 << 20)
                // And as a scan has it.
                let again = JournalFeed(of: store.tail)
                var count = 0
                while count < 2 { count += try await again.next().events.count }
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
    }
}
