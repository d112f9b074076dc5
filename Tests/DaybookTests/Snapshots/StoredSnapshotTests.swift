@testable import Daybook
import DaybookBSON
import Foundation
import Testing

@Suite("StoredSnapshot")
struct StoredSnapshotTests {
    static func sample() throws -> StoredSnapshot {
        StoredSnapshot(
            aggregateID: try AggregateID("parcel", key: "P-1"), version: 3, state: ["status": "sent", "scans": 2],
            stateSchema: 1,
            headID: UUID(milliseconds: 0x018B_CFE5_687B, upper: 0xABC, lower: 0x0DEF_0123_4567_89AB),
            createdAt: BSONDate(milliseconds: 1_600_000_000_000), updatedAt: BSONDate(milliseconds: 1_700_000_000_123))
    }

    @Test("a snapshot is stored in the shape of the design, byte for byte")
    func golden() throws {
        // Written by a few lines of Python that follow the BSON specification and the design.
        let expected =
            "f7000000025f6964000b00000070617263656c2f502d31001276657273696f6e0003000000000000000373746174650025000000027374617475"
            + "73000500000073656e7400127363616e7300020000000000000000107374617465536368656d610001000000056469676573740020000000001a"
            + "2950eae28f69556792fe56df17fc1d04bf1e46370b0bdd022ae8186baeffbf03686561640037000000056576656e744964001000000004018bcf"
            + "e5687b7abc8def0123456789ab097265636f726465644174007b68e5cf8b01000000096372656174656441740000806e87740100000975706461"
            + "7465644174007b68e5cf8b01000000"
        let document = try Self.sample().document()
        #expect(document.bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == expected)
        #expect(
            try document.keys == ["_id", "version", "state", "stateSchema", "digest", "head", "createdAt", "updatedAt"])
    }

    @Test("the digest changes with each thing that it covers, and with nothing else")
    func digest() throws {
        let sample = try Self.sample()
        var others: [StoredSnapshot] = []
        func other(_ change: (inout StoredSnapshot) throws -> Void) rethrows {
            var copy = sample
            try change(&copy)
            others.append(copy)
        }
        try other { $0.aggregateID = try AggregateID("parcel", key: "P-2") }
        try other { $0.aggregateID = try AggregateID("parce", key: "lP-1") }
        other { $0.version = 4 }
        other { $0.version = 3 << 32 }
        other { $0.stateSchema = 2 }
        other { $0.headID = UUID(milliseconds: 1, upper: 2, lower: 3) }
        other { $0.createdAt = BSONDate(milliseconds: 4) }
        other { $0.state = ["status": "sent", "scans": 3] }
        other { $0.state = ["scans": 2, "status": "sent"] }
        other { $0.state = ["status": "sent", "scans": .int32(2)] }
        other { $0.state = [:] }
        let digests = try (others + [sample]).map { try #require(try $0.document()["digest"]) }
        #expect(Set(digests).count == digests.count)

        var later = sample
        later.updatedAt = BSONDate(milliseconds: 5)
        #expect(try later.document()["digest"] == sample.document()["digest"])
    }

    @Test("parts of the digest cannot flow into one another: the same bytes, split elsewhere, have another digest")
    func digestBoundaries() {
        func digest(_ id: String, _ state: [UInt8]) -> [UInt8] {
            BSONDocument(unchecked: state).withBorrowed {
                StoredSnapshot.digest(
                    aggregateID: id, version: 0, stateSchema: 0, headID: UUID(number: 0),
                    createdAt: BSONDate(milliseconds: 0),
                    state: $0)
            }
        }
        let state = BSONDocument().bytes
        // One after the other these are the same bytes: all between id and state are zeros.
        let digests = (0...8).map {
            digest("a/b" + String(repeating: "\0", count: $0), Array(repeating: 0, count: 8 - $0) + state)
        }
        #expect(Set(digests).count == 9)
        #expect(digests.allSatisfy { $0.count == 32 })
    }
}
