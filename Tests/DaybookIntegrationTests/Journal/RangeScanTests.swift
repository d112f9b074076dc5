@testable import Daybook
import DaybookBSON
import DaybookMongo
import IntegrationSupport
import Testing

@Suite("The scan of a range of the journal beside a collection", .timeLimit(.minutes(1)))
struct RangeScanTests {
    /// What a scan gave of an aggregate.
    private struct Seen: Equatable {
        var id: String
        var hasDocument = true
        var versions: [Int64?] = []
    }

    private static let notebooks = IDRange(Notebook.type)

    /// Runs `body` with the notebooks b, d and f, of which b and d have more events than are read at once, and with a
    /// document of a, c and g, which have no events.
    private func withNotebooks(_ body: (DaybookStore) async throws -> Void) async throws {
        try await withTestStore(for: [Notebook.self]) { store in
            let text = String(repeating: "x", count: 400 << 10)
            for (key, count) in [("b", 5), ("d", 4), ("f", 1)] {
                try await store.repository(Notebook.self).execute(
                    .discard(Array(repeating: text, count: count)), on: key)
            }
            try await store.raw.insert(
                ["a", "c", "g"].map { ["_id": .string("notebook/\($0)")] }, into: Notebook.snapshotCollection)
            try await body(store)
        }
    }

    private func scan(
        _ store: DaybookStore, _ range: IDRange = notebooks, after position: String? = nil, hasDocuments: Bool = true,
        visits: (String) -> Bool = { _ in true }
    ) async throws -> [Seen] {
        let documents = Namespace(database: store.database, collection: Notebook.snapshotCollection)
        var found: [Seen] = []
        try await RangeScan(store: store, range: range, documents: hasDocuments ? documents : nil).run(after: position)
        {
            scanned in
            while let aggregate = try await scanned.next() {
                var seen = Seen(
                    id: String(decoding: aggregate.id, as: UTF8.self), hasDocument: aggregate.document != nil)
                if visits(seen.id) { while try await scanned.visitEvents({ seen.versions.append($1) }) {} }
                found.append(seen)
            }
            let end = try await scanned.next()
            #expect(end == nil, "nothing follows the end")
        }
        return found
    }

    @Test("a scan gives each id that has events, a document or both, once and in the order of ids, with all events")
    func all() async throws {
        try await withNotebooks { store in
            let found = try await scan(store)
            #expect(
                found == [
                    Seen(id: "notebook/a"), Seen(id: "notebook/b", versions: [1, 2, 3, 4, 5]), Seen(id: "notebook/c"),
                    Seen(id: "notebook/d", versions: [1, 2, 3, 4]), Seen(id: "notebook/f", versions: [1]),
                    Seen(id: "notebook/g"),
                ])
        }
    }

    @Test(
        "events that a scan's caller does not visit are passed over, however many there are",
        arguments: ["b", "d", "f"])
    func passedOver(key: String) async throws {
        try await withNotebooks { store in
            let whole = try await scan(store)
            let found = try await scan(store) { $0 != "notebook/\(key)" }
            #expect(found == whole.map { $0.id == "notebook/\(key)" ? Seen(id: $0.id) : $0 })
        }
    }

    @Test("a scan without a collection returns the ids that have events")
    func journalAlone() async throws {
        try await withNotebooks { store in
            let found = try await scan(store, hasDocuments: false)
            #expect(
                found == [
                    Seen(id: "notebook/b", hasDocument: false, versions: [1, 2, 3, 4, 5]),
                    Seen(id: "notebook/d", hasDocument: false, versions: [1, 2, 3, 4]),
                    Seen(id: "notebook/f", hasDocument: false, versions: [1]),
                ])
        }
    }

    @Test(
        "a scan after a position begins with the next id, whether that has events or a document",
        arguments: ["b", "c", "d", "g"])
    func resumed(key: String) async throws {
        try await withNotebooks { store in
            let whole = try await scan(store)
            let found = try await scan(store, after: "notebook/\(key)")
            #expect(found == whole.filter { $0.id > "notebook/\(key)" })
        }
    }

    @Test("a scan of a range in which nothing is gives nothing")
    func empty() async throws {
        try await withNotebooks { store in
            let found = try await scan(store, IDRange(lower: "notebook/x", upper: "notebook/y"))
            #expect(found == [])
        }
    }

    @Test("a scan whose reading has failed gives the error again each time, and never an end")
    func failed() async throws {
        try await withFaultyStore { store, proxy, _ in
            // Unauthorized, which nothing tries again.
            proxy.fail("find", .error(13))
            try await RangeScan(store: store, range: IDRange(Account.type)).run(after: nil) { scanned in
                for _ in 0..<3 {
                    do {
                        _ = try await scanned.next()
                        Issue.record("it came to an end")
                    } catch let error as MongoError {
                        #expect(error.code == .unauthorized)
                    }
                }
            }
        }
    }
}
