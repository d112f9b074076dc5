@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import IntegrationSupport
import Testing

@Suite("A swap on a sharded cluster", .serialized, .timeLimit(.minutes(2)))
struct SwapOnMongosTests {
    @Test("is refused before anything is done, and a rebuild in place is not")
    func refused() async throws {
        try await withMongos { store, _, proxy, _ in
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            let error = try await daybookError { _ = try await store.rebuild(swap: true) }
            #expect(error?.code == .unsupportedServer)
            #expect(error?.message.contains("Rebuild without swap") == true, "\(error?.message ?? "nothing")")
            #expect(!proxy.exchanges.contains { $0.request.string(at: "create")?.contains(".rebuild") == true })
            #expect(proxy.count("renameCollection") == 0)
            #expect(try await store.rebuild().isClean)
        }
    }
}
