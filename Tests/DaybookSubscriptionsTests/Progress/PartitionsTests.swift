import Daybook
import DaybookSubscriptions
import Testing

@Suite("Partitions")
struct PartitionsTests {
    /// Computed by another program from the published constants of FNV-1a: every process, of whatever version, must put
    /// an aggregate into the same partition.
    @Test(
        "are those of FNV-1a over the bytes of the id",
        arguments: [
            ("account/a", 0, 0, 376), ("account/k-1", 0, 2, 672), ("license/L-1", 5, 0, 733),
            ("account/\u{FC}", 6, 2, 38), ("member/m-00042", 4, 1, 732),
        ])
    func fixed(id: String, ofEight: Int, ofThree: Int, ofMany: Int) throws {
        let id = try AggregateID(parsing: id)
        #expect(Partitions.index(of: id, count: 8) == ofEight)
        #expect(Partitions.index(of: id, count: 3) == ofThree)
        #expect(Partitions.index(of: id, count: 1_024) == ofMany)
        #expect(Partitions.index(of: id, count: 1) == 0)
    }

    @Test("get about the same number of aggregates each")
    func spread() throws {
        var counts = Array(repeating: 0, count: Partitions.count)
        for number in 0..<8_000 {
            counts[Partitions.index(of: try AggregateID(parsing: "account/k-\(number)"), count: counts.count)] += 1
        }
        #expect(counts.count == 8)
        #expect(counts.allSatisfy { (850...1_150).contains($0) }, "\(counts)")
    }
}
