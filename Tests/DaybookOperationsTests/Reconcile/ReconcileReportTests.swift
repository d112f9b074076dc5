@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Testing

@Suite("The size of a report")
struct ReconcileReportTests {
    private func state(_ letter: String, _ bytes: Int) -> BSONDocument {
        ["state": ["blob": .string(String(repeating: letter, count: bytes)), "n": .string(letter)]]
    }

    @Test("of a difference whose values are large the place is kept, and the values are left out")
    func largeValue() throws {
        let (stored, expected) = (state("a", 1 << 20), state("b", 1 << 20))
        let difference = SnapshotDifference(stored: stored, expected: expected)
        #expect(difference.isCut)
        #expect(difference.places.map(\.path) == ["state.blob", "state.n"])
        #expect(difference.places.map(\.isCut) == [true, false])
        #expect(difference.places[0].stored == nil && difference.places[0].expected == nil)
        #expect(difference.places[1].stored == "a" && difference.places[1].expected == "b")
        #expect(SnapshotUpdate(from: stored, to: expected).document != nil, "what is written is all of it")
    }

    @Test("of many differences as many are kept as fit, and it is said that there are more")
    func manyPlaces() throws {
        func fields(_ text: String) throws -> BSONDocument {
            var state = BSONDocument()
            for index in 0..<300 { try state.append("f\(index)", .string(text)) }
            return ["state": .document(state)]
        }
        let small = SnapshotDifference(stored: try fields("a"), expected: try fields("b"))
        #expect(small.places.count == 100 && small.isCut)
        let large = SnapshotDifference(
            stored: try fields(String(repeating: "a", count: 2_000)),
            expected: try fields(String(repeating: "b", count: 2_000)))
        let bytes = large.places.reduce(0) { $0 + $1.byteCount }
        #expect(large.places.count == 100 && large.isCut && bytes <= 64 << 10, "\(bytes)")
    }

    @Test("is bounded: beyond it findings are kept without what the snapshots hold, and counted")
    func bounded() throws {
        var report = ReconcileReport()
        let count = 3_000
        for index in 0..<count {
            var finding = Finding(
                aggregateID: "account/\(index)", kind: .diverged, snapshotVersion: 1, journalVersion: 1, detail: "",
                differences: [
                    .init(path: "state.blob", stored: .string(String(repeating: "a", count: 30_000)), expected: nil)
                ])
            finding.repair = .init(action: .update, reason: nil, write: state("b", 30_000))
            report.add(finding)
        }
        #expect(report.findings.count == count && report.counts == [.diverged: count])
        let bytes = report.findings.reduce(0) { $0 + $1.contentBytes }
        #expect(bytes <= 64 << 20 && bytes > 60 << 20, "\(bytes)")
        #expect(report.cutFindings == report.findings.count(where: \.isCut) && report.cutFindings > 1_500)
        #expect(report.findings[0].differences.count == 1 && report.findings[0].repair?.write != nil)
        #expect(report.findings[count - 1].differences.isEmpty && report.findings[count - 1].repair?.write == nil)
    }
}
