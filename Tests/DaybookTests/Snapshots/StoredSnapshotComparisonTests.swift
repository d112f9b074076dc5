@testable import Daybook
import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("Comparison of a snapshot with a stored document")
struct StoredSnapshotComparisonTests {
    private let sample: StoredSnapshot
    private let document: BSONDocument

    init() throws {
        sample = try StoredSnapshotTests.sample()
        document = try sample.document()
    }

    private func isWritten(as stored: BSONDocument) -> Bool { stored.withBorrowed { sample.isWritten(as: $0) } }

    @Test("a snapshot is equal to its own document")
    func same() {
        #expect(isWritten(as: document))
    }

    @Test(
        "a snapshot differs from a document with another value of any field",
        arguments: ["_id", "version", "state", "stateSchema", "digest", "head", "createdAt", "updatedAt"])
    func values(key: String) throws {
        #expect(!isWritten(as: try document.changing(key, to: nil)))
        for value in everyBSONValue + [
            .int32(3), .int64(3), .int32(1), .int64(1), .string("parcel/P-2"), document[key] ?? .null,
        ] {
            let changed = try document.changing(key, to: value)
            #expect(isWritten(as: changed) == (changed == document))
        }
    }

    @Test(
        "a snapshot differs from a document that differs in a field of its head",
        arguments: ["head.eventId", "head.recordedAt"])
    func head(path: String) throws {
        for value in everyBSONValue { #expect(!isWritten(as: try document.changing(path, to: value))) }
        #expect(!isWritten(as: try document.changing(path, to: nil)))
    }

    @Test("a snapshot differs from a document with another order of fields, or with one more field anywhere")
    func shape() throws {
        let fields = try document.fields
        for index in 0...fields.count {
            var more = fields
            more.insert(("lock", 1), at: index)
            #expect(!isWritten(as: try BSONDocument(fields: more)))
        }
        for index in 1..<fields.count {
            var other = fields
            other.swapAt(index - 1, index)
            #expect(!isWritten(as: try BSONDocument(fields: other)))
        }
        guard case .document(let head) = document["head"] else { return #expect(Bool(false), "there is a head") }
        let more = try BSONDocument(fields: head.fields + [("more", .null)])
        #expect(!isWritten(as: try document.changing("head", to: .document(more))))
    }

    @Test("damaged bytes pass only where they are the same bytes, and are never read beyond their end")
    func damage() {
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<3_000 {
            let corrupted = document.corrupted(by: &generator)
            #expect(isWritten(as: corrupted) == (corrupted == document))
        }
        for count in 5..<document.bytes.count { #expect(!isWritten(as: document.cut(to: count))) }
    }
}
