@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

/// An account of a type whose name goes on where another's ends.
private typealias AccountBook = Book<AccountBookKind>

private enum AccountBookKind: BookKind {
    static var type: AggregateType { "account-book" }
    static var lifecycle: Lifecycle { .inline }
}

@Suite("Ids in the order of their bytes", .serialized, .timeLimit(.minutes(2)))
struct IDOrderTests {
    private static let aggregates: [any Aggregate.Type] = [Account.self, AccountBook.self, Tally.self]

    /// Swift's order, that of UTF-16, and any language's own are others.
    private static let keys = [
        "z", "\u{E9}", "e", "Z", "\u{E4}", "\u{1F600}", "\u{E000}", "\u{FFFD}", "\u{10FFFF}", "\u{FB01}", "a", "ab",
        "a/b", "a/",
        "/", "//",
        "a.b", "a.", ".", "..", "a$", "$a", "$", "$$ROOT", "a b", " ", "a-", "a0", "a\u{7E}", "10", "9", "0", "-",
        "-book/a",
        "book/a", "\"", "\\",
        "{}", "[0]", "^.*$", String(repeating: "k", count: 256), String(repeating: "k", count: 255),
        "\u{3042}\u{1F468}\u{200D}\u{1F467}",
    ]

    @Test("nothing healthy is reported, written or deleted, whatever the keys are", arguments: [1, 4])
    func healthy(workers: Int) async throws {
        try await ReconcileFixture.withStore(for: Self.aggregates) { store in
            try await fill(store)
            let before = try await store.raw.contents()
            var options = ReconcileOptions()
            options.workers = workers
            let count = 3 * Self.keys.count
            for report in [
                try await store.verify(options), try await store.verify(options, depth: .quick),
                try await store.verifyEnvelopes(options),
                try await store.patch(options), try await store.rebuild(options),
            ] {
                #expect(report.isClean, "\(report.kinds)")
                #expect((report.checked, report.written) == (count, 0))
            }
            for type in [Account.type, AccountBook.type] {
                var one = options
                one.types = [type]
                let report = try await store.patch(one)
                #expect(report.isClean && report.checked == Self.keys.count, "\(type): \(report.kinds)")
            }
            #expect(try await store.rebuild(options, swap: true).written == count)
            let after = try await store.raw.contents()
            for collection in ["journal", "snapshots.account", "snapshots.account-book", "snapshots.tally"] {
                #expect(after[collection] == before[collection], "\(collection)")
            }
            for key in Self.keys {
                let id = try AggregateID(Account.type, key: key)
                var one = options
                one.ids = [id]
                let report = try await store.verify(one)
                #expect(report.isClean && report.checked == 1, "\(key)")
            }
        }
    }

    @Test(
        "of every second one that is missing, and every third that is an orphan, exactly those are found",
        arguments: [1, 4])
    func drifted(workers: Int) async throws {
        try await ReconcileFixture.withStore(for: Self.aggregates) { store in
            try await fill(store)
            let before = try await store.raw.contents()
            var wanted: [[UInt8]: Finding.Kind] = [:]
            let sorted = Self.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for (number, key) in sorted.enumerated() {
                let id = "account/\(key)"
                if number.isMultiple(of: 2) {
                    try await store.raw.delete(["_id": .string(id)], from: "snapshots.account")
                    wanted[Array(id.utf8)] = .missing
                } else if number.isMultiple(of: 3) {
                    let neighbours = ["\(id)!", String(id.dropLast())].filter { (try? AggregateID(parsing: $0)) != nil }
                    for neighbour in neighbours where !before.has(neighbour) {
                        try await store.raw.put(["_id": .string(neighbour), "version": 1], into: "snapshots.account")
                        wanted[Array(neighbour.utf8)] = .orphan
                    }
                }
            }
            var options = ReconcileOptions()
            options.workers = workers
            for report in [try await store.verify(options), try await store.patch(options)] {
                #expect(report.findings.count == wanted.count)
                for finding in report.findings {
                    #expect(wanted[Array(finding.aggregateID.utf8)] == finding.kind, "\(finding.aggregateID)")
                }
            }
            let after = try await store.raw.contents()
            #expect(after["snapshots.account"] == before["snapshots.account"])
            #expect(after["snapshots.account-book"] == before["snapshots.account-book"])
            #expect(try await store.verify(options).isClean)
        }
    }

    @Test("documents that no aggregate of the type can have are orphans, and deleted; nothing else is")
    func strays() async throws {
        try await ReconcileFixture.withStore(for: Self.aggregates) { store in
            try await fill(store)
            let before = try await store.raw.contents()
            let id = try #require(BSONObjectID(bytes: Array(1...12)))
            let strays: [BSONValue] = [
                .objectID(id), .int32(5), .double(.nan), ["account/a": 1], .binary(BSONBinary(UUID())), .null, true,
                "tally/a",
                "account-book/a",
                "account", "account.", "account0", "", "zzz", .datetime(BSONDate(milliseconds: 7)),
            ]
            for stray in strays {
                try await store.raw.insert(
                    [["_id": stray, "version": 1, "state": ["balance": 1]]], into: "snapshots.account")
            }
            let damaged = try await store.raw.contents()
            let verified = try await store.verify()
            #expect(verified.counts == [.orphan: strays.count], "\(verified.kinds)")
            #expect(verified.findings.contains { $0.aggregateID.contains("0102030405060708090a0b0c") })
            let some = try await store.patch(only: [.missing])
            #expect((some.written, some.unrepaired) == (0, strays.count))
            #expect(try await store.raw.contents()["snapshots.account"] == damaged["snapshots.account"])
            #expect(try await store.patch().written == strays.count)
            let after = try await store.raw.contents()
            for collection in ["journal", "snapshots.account", "snapshots.account-book", "snapshots.tally"] {
                #expect(after[collection] == before[collection], "\(collection)")
            }
        }
    }

    private func fill(_ store: DaybookStore) async throws {
        let keys = Self.keys
        #expect(Set(keys.map { Array($0.utf8) }).count == keys.count)
        try await ReconcileFixture.seed(Account.self, count: keys.count, in: store) { keys[$0] }
        try await ReconcileFixture.seed(AccountBook.self, count: keys.count, in: store) { keys[$0] }
        try await ReconcileFixture.seed(Tally.self, count: keys.count, in: store) { keys[$0] }
    }
}

extension [String: Set<BSONDocument>] {
    /// Whether an account's snapshot has that id, to the byte.
    fileprivate func has(_ id: String) -> Bool {
        self["snapshots.account"]?.contains { $0.string(at: "_id").map { $0.utf8.elementsEqual(id.utf8) } ?? false }
            ?? false
    }
}
