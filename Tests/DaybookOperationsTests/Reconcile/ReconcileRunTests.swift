@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import Testing
import TestSupport

@Suite("The record of a run")
struct ReconcileRunTests {
    private func document(of number: BSONValue) throws -> BSONDocument {
        let run = ReconcileRun(
            id: UUID(), kind: .rebuild, isSwap: false, types: ["account"], ids: [], schemas: [1], program: nil, holder: "h",
            at: Date(timeIntervalSince1970: 1), parts: [])
        var document = try run.document
        for key in ["checked", "events", "written"] { document = try document.changing(key, to: number) }
        return try document.changing("counts", to: ["stale": number])
    }

    @Test(
        "numbers that no run has written are counts all the same, and can be added to",
        arguments: [
            (.double(.nan), 0), (.double(.infinity), 1 << 53), (.double(-.infinity), 0), (.double(1e300), 1 << 53),
            (.double(-0.0), 0), (.int64(.max), 1 << 53), (.int64(.min), 0), (.int32(-1), 0), (.double(2.9), 2), (.int64(7), 7),
            ("seven", 0), (.decimal128(BSONDecimal128(high: .max, low: .max)), 0),
        ] as [(BSONValue, Int)])
    func hostileNumbers(number: BSONValue, count: Int) throws {
        let document = try document(of: number)
        let run = try #require(ReconcileRun(document))
        #expect(run.checked == count && run.events == count && run.written == count)
        #expect(run.counts[.stale] ?? 0 == count)
        #expect(run.checked + 1_000_000_000_000 > 0)
        #expect(Examination.Run(document).checked == count)
        _ = try run.progress
    }

    @Test("counts of kinds that this version does not know are kept; what cannot be a kind's name is not")
    func unknownKinds() throws {
        let long = String(repeating: "a", count: 65)
        var counts: BSONDocument = ["stale": 1, "later": 2, "a.b": 3, "$set": 4, "": 5, "größer": 6]
        try counts.append(long, 7)
        let document = try document(of: .int64(0)).changing("counts", to: .document(counts))
        let run = try #require(ReconcileRun(document))
        #expect(run.counts == [.stale: 1])
        let kept = try run.progress["counts"]
        #expect(kept == ["later": .int64(2), "stale": .int64(1)])
    }
}
