import Daybook
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
    }
}
