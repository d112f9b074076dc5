@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import Testing
import TestSupport

@Suite("The record of a run")
struct MaintenanceRunTests {
    private func document(of number: BSONValue) throws -> BSONDocument {
        let run = MaintenanceRun(.rebuild, of: ["account"], id: UUID(), holder: "h", at: Date(timeIntervalSince1970: 1))
        var document = try run.document
        for key in ["checked", "events", "written"] { document = try document.changing(key, to: number) }
        return try document.changing("counts", to: ["stale": number])
    }

    @Test(
        "numbers that no run has written are counts all the same, and can be added to",
        arguments: [
            (.double(.nan), 0), (.double(.infinity), 1 << 53), (.double(-.infinity), 0), (.double(1e300), 1 << 53),
            (.double(-0.0), 0), (.int64(.max), 1 << 53), (.int64(.min), 0), (.int32(-1), 0), (.double(2.9), 2),
            (.int64(7), 7),
            ("seven", 0), (.decimal128(BSONDecimal128(high: .max, low: .max)), 0),
        ] as [(BSONValue, Int)])
    func hostileNumbers(number: BSONValue, count: Int) throws {
        let document = try document(of: number)
        let run = try #require(MaintenanceRun(document))
        #expect(run.checked == count && run.events == count && run.written == count)
        #expect(run.counts[.stale] ?? 0 == count)
        #expect(run.checked + 1_000_000_000_000 > 0)
        _ = try run.progress
    }

    @Test("counts of kinds that this version does not know are kept; what cannot be a kind's name is not")
    func unknownKinds() throws {
        let long = String(repeating: "a", count: 65)
        var counts: BSONDocument = ["stale": 1, "later": 2, "a.b": 3, "$set": 4, "": 5, "größer": 6]
        try counts.append(long, 7)
        let document = try document(of: .int64(0)).changing("counts", to: .document(counts))
        let run = try #require(MaintenanceRun(document))
        #expect(run.counts == [.stale: 1])
        let kept = try run.progress["counts"]
        #expect(kept == ["later": .int64(2), "stale": .int64(1)])
    }

    @Test("who wanted a run, and why, is kept")
    func reason() throws {
        var run = MaintenanceRun(.drop, of: ["view.a"], id: UUID(), holder: "h", at: Date(timeIntervalSince1970: 1))
        #expect(try run.document["by"] == nil && run.document["why"] == nil)
        (run.by, run.why) = ("ada", "not needed")
        let read = try #require(MaintenanceRun(try run.document))
        #expect(read.by == "ada" && read.why == "not needed" && read.kind == .drop && read.completion == nil)
    }

    /// As every version since the first writes it: old and new programs resume one another's runs.
    private func stored() throws -> BSONDocument {
        let first: BSONDocument = ["type": "a", "from": "a/", "to": "a/m", "isDone": true, "position": "a/k"]
        let second: BSONDocument = ["type": "b", "from": "b/", "to": "b0", "isDone": false]
        let build: BSONDocument = ["collection": "snapshots.a.rebuild", "uuid": .binary(BSONBinary(try uuid(2)))]
        return [
            "_id": .binary(BSONBinary(try uuid(1))), "kind": "rebuild", "swap": true, "types": ["b", "a"],
            "ids": ["a/1"],
            "schemas": [.int32(3), .int32(1)], "program": "00ff", "startedAt": .datetime(BSONDate(milliseconds: 1_000)),
            "status": "failed", "holder": "host:1:x", "updatedAt": .datetime(BSONDate(milliseconds: 2_500)),
            "checked": 12,
            "events": 40, "written": 3, "counts": ["missing": 2, "stale": 1],
            "ranges": [.document(first), .document(second)], "endedAt": .datetime(BSONDate(milliseconds: 3_000)),
            "reason": "no space", "tokens": ["a": ["_data": "x"]], "builds": ["a": .document(build)],
            "refused": ["a": ["a/7", "a/8"], "b": []], "swapped": ["b"],
        ]
    }

    private func uuid(_ number: Int) throws -> UUID {
        try #require(UUID(uuidString: "01970000-0000-7000-8000-00000000000\(number)"))
    }

    @Test("a run is written byte for byte as it was read")
    func roundTrip() throws {
        let stored = try stored()
        #expect(try MaintenanceRun(stored)?.document == stored)
        let plain = try document(of: .int64(0)).changing("program", to: "00ff")
        #expect(
            plain.fields.map(\.key).suffix(2) == ["endedAt", "reason"],
            "null where there is none, and nothing of a swap")
        #expect(plain["endedAt"] == .null && plain["reason"] == .null)
        #expect(try MaintenanceRun(plain)?.document == plain.changing("counts", to: [:]))
    }

    @Test("a kind of work that this version does not know is read; what is none is not")
    func unknownWork() throws {
        let archive = try #require(MaintenanceRun(stored().changing("kind", to: "archive")))
        #expect(archive.kind.rawValue == "archive" && archive.checked == 12)
        for kind in ["", "$set", "a b", 7, .null] as [BSONValue] {
            #expect(MaintenanceRun(try stored().changing("kind", to: kind)) == nil)
        }
    }

    @Test(
        "a field that a hand has made something else is left out",
        arguments: [
            "swap", "types", "ids", "schemas", "program", "endedAt", "checked", "counts", "reason", "tokens", "builds",
            "refused",
            "swapped",
        ])
    func damagedField(name: String) throws {
        for value in [.null, 7, "x", [1, .null], ["a": 1], .bool(false)] as [BSONValue] {
            let run = try #require(MaintenanceRun(stored().changing(name, to: value)))
            #expect(run.holder == "host:1:x" && run.parts.count == 2)
            _ = try run.document
        }
    }

    @Test(
        "without what tells one run from another a document is no run",
        arguments: ["_id", "kind", "status", "holder", "startedAt", "updatedAt", "ranges"])
    func lackingField(name: String) throws {
        for value in [.null, 7, "x"] as [BSONValue] where !(["kind", "holder"].contains(name) && value == "x") {
            #expect(MaintenanceRun(try stored().changing(name, to: value)) == nil)
        }
    }
}
