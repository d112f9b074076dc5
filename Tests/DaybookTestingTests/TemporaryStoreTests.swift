import Daybook
import DaybookTesting
import Testing

@Suite("withTemporaryStore without a server")
struct TemporaryStoreTests {
    @Test("no URI is said to be missing, with the remedy")
    func noURI() async throws {
        let failure = await #expect(throws: TestFailure.self) {
            try await withTemporaryStore(uri: "", aggregates: [Sum.self]) { _ in Issue.record("it ran") }
        }
        #expect(failure?.code == .noServer)
        #expect(
            failure?.message
                == "there is no MongoDB to test with: set DAYBOOK_URI to the connection string of a replica set (it may have one node), or pass uri."
        )
    }

    @Test("a server that does not answer is the store's own error, and the body does not run")
    func noServer() async {
        let error = await #expect(throws: DaybookError.self) {
            try await withTemporaryStore(
                uri: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=10", aggregates: [Sum.self]
            ) { _ in
                Issue.record("it ran")
            }
        }
        #expect(error?.code == .unavailable)
        #expect(error?.operation == "initialize")
    }
}
