import DaybookBSON
@testable import DaybookSubscriptions
import Testing

@Suite("PostingFinding")
struct PostingFindingTests {
    private func finding(_ posting: BSONDocument?, head: Int64) -> PostingFinding? {
        PostingFinding("account/a", posting.flatMap(Posting.init), head: head)
    }

    private func posting(_ version: BSONValue, parked: Bool = false) -> BSONDocument {
        var document: BSONDocument = ["_id": "account/a", "version": version]
        let at: BSONValue = ["version": .int64(3), "since": .datetime(BSONDate(milliseconds: 0))]
        if parked { try? document.append("parked", at) }
        return document
    }

    @Test("is none where the posting has the aggregate's last version, of whatever integer type a shell wrote")
    func well() {
        for version in [.int64(2), .int32(2), .double(2)] as [BSONValue] {
            #expect(finding(posting(version), head: 2) == nil)
        }
    }

    @Test("is behind, ahead or an orphan")
    func kinds() {
        #expect(finding(nil, head: 1)?.kind == .behind)
        #expect(finding(posting(.int64(1)), head: 2)?.kind == .behind)
        #expect(finding(posting(.int64(3)), head: 2)?.kind == .ahead)
        #expect(finding(posting(.int64(3)), head: 0)?.kind == .orphan)
        #expect(finding(posting(.int64(0)), head: 0)?.kind == .orphan)
        let orphan = PostingFinding(orphan: "nonsense", version: 4)
        #expect(orphan.kind == .orphan && orphan.posted == 4 && orphan.head == 0 && orphan.id == nil)
    }

    @Test("takes a version that a hand has spoiled for none that was handled")
    func spoiled() {
        for version in [.string("2"), .int64(-4), .double(1.5), .null] as [BSONValue] {
            let found = finding(posting(version), head: 2)
            #expect(found?.kind == .behind && found?.posted == 0)
        }
    }

    @Test("says whether the aggregate waits")
    func parked() {
        #expect(finding(posting(.int64(2), parked: true), head: 5)?.isParked == true)
        #expect(finding(posting(.int64(2)), head: 5)?.isParked == false)
    }
}
