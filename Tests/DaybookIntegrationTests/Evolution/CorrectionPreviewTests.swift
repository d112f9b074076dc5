import Daybook
import DaybookBSON
import IntegrationSupport
import Testing

@Suite("Previewing a correction", .timeLimit(.minutes(1)))
struct CorrectionPreviewTests {
    @Test("a preview shows what the correction then does, writes nothing, and refuses what the correction refuses")
    func preview() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.depositEach([1, 2]), on: "a")
            let preview = try await accounts.previewCorrection("a", patch: ["balance": 7.0], reason: "r", actor: "me")
            #expect(preview.version == 2)
            #expect(preview.isChange)
            #expect(preview.correction.patch == ["balance": 7])
            #expect(preview.before == ["balance": 3, "entries": 2])
            #expect(preview.after == ["balance": 7, "entries": 2])
            #expect(try await accounts.load("a").version == 2)
            try await accounts.correct("a", patch: ["balance": 7.0], reason: "r", actor: "me")
            #expect(try await BSONEncoder().encode(accounts.load("a").state) == preview.after)
            #expect(
                try await !accounts.previewCorrection("a", patch: ["balance": 7], reason: "r", actor: "me").isChange)
            for (key, patch, reason, actor) in [
                ("a", ["balance": "x"], "r", "me"), ("a", ["nope": 1], "r", "me"), ("b", ["balance": 1], "r", "me"),
                ("a", ["balance": 1], "", "me"), ("a", ["balance": 1], "r", ""),
            ] as [(String, BSONDocument, String, String)] {
                let error = await #expect(throws: DaybookError.self) {
                    try await accounts.previewCorrection(key, patch: patch, reason: reason, actor: actor)
                }
                #expect(error?.code == .invalidArgument)
            }
        }
    }
}
