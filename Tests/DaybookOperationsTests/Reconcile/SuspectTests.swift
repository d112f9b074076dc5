import Daybook
import DaybookBSON
@testable import DaybookOperations
import Testing

@Suite("A finding that is looked at again")
struct SuspectTests {
    private func suspect(_ kind: Finding.Kind, stateSchema: Int32, balance: Int32) -> Suspect {
        let document: BSONDocument = [
            "_id": "account/a", "version": .int64(1), "state": ["balance": .int32(balance)],
            "stateSchema": .int32(stateSchema),
        ]
        return Suspect(
            Array("account/a".utf8), kind, "", stored: FoundSnapshot(document), journalVersion: 1)
    }

    @Test("is confirmed where the snapshot is the same", arguments: [Finding.Kind.outdated, .diverged, .stale])
    func same(kind: Finding.Kind) {
        let first = suspect(kind, stateSchema: 2, balance: 5)
        #expect(first.isConfirmed(by: suspect(kind, stateSchema: 2, balance: 5)))
        #expect(!first.isConfirmed(by: suspect(.orphan, stateSchema: 2, balance: 5)))
    }

    @Test("is confirmed where another program has written a snapshot of its schema again, and only there")
    func writtenAgain() {
        let outdated = suspect(.outdated, stateSchema: 2, balance: 5)
        #expect(outdated.isConfirmed(by: suspect(.outdated, stateSchema: 2, balance: 6)))
        #expect(!outdated.isConfirmed(by: suspect(.outdated, stateSchema: 3, balance: 6)))
        for kind in [Finding.Kind.diverged, .stale] {
            let first = suspect(kind, stateSchema: 2, balance: 5)
            #expect(!first.isConfirmed(by: suspect(kind, stateSchema: 2, balance: 6)))
        }
    }
}
