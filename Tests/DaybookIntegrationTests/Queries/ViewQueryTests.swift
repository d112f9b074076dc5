@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// The documents of a view, written behind the library's back.
@Suite struct ViewQueryTests {
    struct Balance: Queryable, Equatable {
        enum Kind: String, Codable, Sendable, CaseIterable { case personal, business }

        static let fields: [Field<Balance>] = [
            Field("owner", \.owner, indexed: true), Field("cents", \.cents), Field("kind", \.kind),
            Field("closedAt", \.closedAt), Field("limit.cents", \.limit.cents), Field("tags", \.tags),
        ]

        struct Limit: Codable, Sendable, Equatable {
            var cents = 0
        }

        var owner = ""
        var cents = 0
        var kind = Kind.personal
        var closedAt: Date?
        var limit = Limit()
        var tags: [String] = []
        var note: String?
    }

    typealias Found = ViewDocument<Balance>

    private static let collection = "views.balances"
    private static let now = Date(timeIntervalSince1970: 1_700_000_000)

    /// Documents with many equals and much that is missing, in the order of their keys.
    private static func documents(_ count: Int, seed: UInt64) -> [Found] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { number in
            var balance = Balance()
            balance.owner = ["Ann", "Zoë", "Zo", ""].randomElement(using: &generator) ?? ""
            balance.cents = Int.random(in: -2...2, using: &generator)
            balance.kind = Balance.Kind.allCases.randomElement(using: &generator) ?? .business
            balance.closedAt = Bool.random(using: &generator) ? now : nil
            balance.limit.cents = Int.random(in: 0...1, using: &generator)
            balance.tags = Bool.random(using: &generator) ? ["vip", "old"] : []
            return Found(key: "b/\(10_000 + number)", document: balance, events: Int64(number) + 1)
        }
    }

    private static func stored(_ documents: [Found]) throws -> [BSONDocument] {
        try documents.map { document in
            [
                "_id": .string(document.key), "state": .document(try BSONEncoder().encode(document.document)),
                "events": .int64(document.events),
            ]
        }
    }

    private func withView<R: Sendable>(
        _ documents: [Found], _ body: (ViewReader<Balance>, RawDatabase) async throws -> R
    ) async throws -> R {
        try await withRawDatabase { database in
            if !documents.isEmpty {
                try await database.insert(try Self.stored(documents), into: Self.collection)
            }
            let configuration = DaybookConfiguration(uri: try TestServer.uri, database: database.name)
            return try await withDaybook(configuration) { store in
                try await body(reader(of: store), database)
            }
        }
    }

    private func reader(of store: DaybookStore, name: String = "balances") -> ViewReader<Balance> {
        ViewReader(
            store: store, namespace: Namespace(database: store.database, collection: Self.collection), name: name)
    }

    /// Swaps the view for one with the same documents, as a rebuild does.
    private func swap(_ database: RawDatabase) async throws {
        let rebuilt = "\(Self.collection).rebuild"
        try await database.insert(try await database.documents(in: Self.collection), into: rebuilt)
        // https://www.mongodb.com/docs/manual/reference/command/renameCollection/
        _ = try await database.write(
            [
                "renameCollection": .string("\(database.name).\(rebuilt)"),
                "to": .string("\(database.name).\(Self.collection)"), "dropTarget": true,
            ], database: "admin")
    }

    private func all(_ query: ViewQuery<Balance>) async throws -> [Found] {
        try await query.reduce(into: []) { $0.append($1) }
    }

    @Test("a document is found by its key, also after a swap, and another key finds none")
    func find() async throws {
        let documents = Self.documents(3, seed: 1)
        try await withView(documents) { view, database in
            for document in documents { #expect(try await view.find(document.key) == document) }
            for key in ["", "b", "b/", "B/10000", "b/10000 ", "$ne", "{}"] {
                #expect(try await view.find(key) == nil)
            }
            try await swap(database)
            #expect(try await view.find(documents[1].key) == documents[1])
        }
    }

    @Test("a view without a collection has no documents")
    func empty() async throws {
        try await withView([]) { view, _ in
            #expect(try await view.find("b/1") == nil)
            #expect(try await view.first() == nil)
            #expect(try await all(view.query()) == [])
            #expect(try await view.count() == 0)
            #expect(try await view.contains(where: \.cents == 0) == false)
            let page = try await view.page()
            #expect(page.items.isEmpty && page.next == nil)
        }
    }

    @Test("a filter matches what its condition holds for: in a query, a count, a page, and for any and the first")
    func filters() async throws {
        let conditions: [(filter: Filter<Balance>, holds: @Sendable (Balance) -> Bool)] = [
            (\.owner == "Zoë", { $0.owner == "Zoë" }), (\.owner != "Ann", { $0.owner != "Ann" }),
            (\.cents < 0, { $0.cents < 0 }),
            (\.cents >= 1 && \.kind == .business, { $0.cents >= 1 && $0.kind == .business }),
            (.in(\.kind, [.personal]), { $0.kind == .personal }), (.missing(\.closedAt), { $0.closedAt == nil }),
            (\.closedAt == Self.now, { $0.closedAt == Self.now }),
            (.hasPrefix(\.owner, "Zo"), { $0.owner.hasPrefix("Zo") }),
            (\.limit.cents > 0 || \.cents == 2, { $0.limit.cents > 0 || $0.cents == 2 }),
            (.contains(\.tags, "vip"), { $0.tags.contains("vip") }), (!(\.cents == 0), { $0.cents != 0 }),
            (.raw(["events": ["$gt": 0]]) && \.cents > 99, { $0.cents > 99 }),
        ]
        let documents = Self.documents(60, seed: 2)
        try await withView(documents) { view, _ in
            for (number, condition) in conditions.enumerated() {
                let expected = documents.filter { condition.holds($0.document) }
                let filter = condition.filter
                let found = try await all(view.query(where: filter))
                let counted = try await view.count(where: filter)
                let isContained = try await view.contains(where: filter)
                let first = try await view.first(where: filter)
                let page = try await view.page(where: filter, limit: 60)
                #expect(found == expected, "\(number)")
                #expect(counted == expected.count, "\(number)")
                #expect(isContained == !expected.isEmpty, "\(number)")
                #expect(first == expected.first, "\(number)")
                #expect(page.items == expected, "\(number)")
            }
            let late: BSONDocument = ["events": ["$gt": 40]]
            #expect(try await all(view.query(matching: late)) == Array(documents[40...]))
            #expect(try await view.count(matching: late) == 20)
            #expect(try await view.page(matching: late, limit: 5).items == Array(documents[40..<45]))
        }
    }

    private static let orders: [[Sort<Balance>]] = [
        [], [.ascending(\.owner)], [.descending(\.cents)], [.descending(\.closedAt), .ascending(\.cents)],
        [.ascending(\.kind), .descending(\.owner), .ascending(\.limit.cents)],
    ]

    @Test("documents are sorted by the declared fields and then by key, up to the limit")
    func sorted() async throws {
        let documents = Self.documents(40, seed: 3)
        try await withView(documents) { view, _ in
            // Documents are made in the order of their keys, and a stable order keeps that of equal ones.
            let rising = documents.enumerated().sorted {
                ($0.element.document.cents, $0.offset) < ($1.element.document.cents, $1.offset)
            }.map(\.element)
            let found = try await all(view.query(sort: [.ascending(\.cents)]))
            #expect(found == rising)
            #expect(try await all(view.query(sort: [.descending(\.cents)])) == rising.reversed())
            #expect(try await all(view.query(sort: [.ascending(\.cents)], limit: 7)) == Array(rising.prefix(7)))
            #expect(try await view.first(sort: [.descending(\.cents)]) == rising.last)
        }
    }

    @Test("the pages of any order, one after the other, are the one big query", arguments: [1, 3, 8, 40])
    func pages(limit: Int) async throws {
        let documents = Self.documents(40, seed: 4)
        try await withView(documents) { view, database in
            for (number, sort) in Self.orders.enumerated() {
                let expected = try await all(view.query(sort: sort))
                #expect(expected.count == 40)
                var found: [Found] = []
                var key: PageKey?
                repeat {
                    let page = try await view.page(sort: sort, limit: limit, after: key)
                    found += page.items
                    key = try page.next.map { try PageKey(parsing: $0.description) }
                    if number == 1, found.count == 24 { try await swap(database) }
                } while key != nil
                #expect(found == expected, "\(number)")
            }
        }
    }

    @Test("a page key belongs to one view and one order, and no page is sorted by an array")
    func pageKeys() async throws {
        try await withView(Self.documents(4, seed: 5)) { view, database in
            let key = try #require(try await view.page(sort: [.ascending(\.cents)], limit: 1).next)
            let configuration = DaybookConfiguration(uri: try TestServer.uri, database: database.name)
            try await withDaybook(configuration) { store in
                let other = reader(of: store, name: "others")
                for refused in [
                    { _ = try await other.page(sort: [.ascending(\.cents)], after: key) },
                    { _ = try await view.page(sort: [.descending(\.cents)], after: key) },
                    { _ = try await view.page(after: key) }, { _ = try await view.page(sort: [.ascending(\.tags)]) },
                ] as [() async throws -> Void] {
                    let error = await #expect(throws: DaybookError.self) { try await refused() }
                    #expect(error?.code == .invalidArgument)
                }
            }
        }
    }

    @Test(
        "a query whose view is swapped under it continues after what it returned: nothing twice, nothing left out",
        arguments: orders)
    func swapped(sort: [Sort<Balance>]) async throws {
        let count = 700
        try await withView(Self.documents(count, seed: 6)) { view, database in
            let expected = try await all(view.query(sort: sort))
            #expect(expected.count == count)
            var found: [Found] = []
            for try await document in view.query(sort: sort) {
                found.append(document)
                if found.count == 50 || found.count == 350 { try await swap(database) }
            }
            #expect(found == expected)

            found = []
            for try await document in view.query(where: \.cents > -3, sort: sort, limit: 600) {
                found.append(document)
                if found.count == 120 { try await swap(database) }
            }
            #expect(found == Array(expected.prefix(600)))
        }
    }

    @Test(
        "a document that cannot be decoded is an error with the view and the key, without its content; others are read",
        arguments: [
            ["state.cents": "hunter2"], ["state.kind": "hunter2"], ["state": "hunter2"], ["events": "hunter2"],
        ] as [BSONDocument])
    func undecodable(change: BSONDocument) async throws {
        let documents = Self.documents(5, seed: 7)
        try await withView(documents) { view, database in
            let key = documents[2].key
            try await database.update(["_id": .string(key)], with: ["$set": .document(change)], in: Self.collection)
            var iterator = view.query().makeAsyncIterator()
            for document in documents[..<2] { #expect(try await iterator.next() == document) }
            var errors = [await #expect(throws: DaybookError.self) { try await iterator.next() }]
            for document in documents[3...] { #expect(try await iterator.next() == document) }
            #expect(try await iterator.next() == nil)
            errors.append(await #expect(throws: DaybookError.self) { try await view.find(key) })
            errors.append(await #expect(throws: DaybookError.self) { try await view.page() })
            for error in errors {
                #expect(error?.code == .unreadableDocument)
                #expect(error?.aggregateID == nil)
                #expect(error?.operation != nil)
                let text = error?.description ?? ""
                #expect(text.contains("\"\(key)\"") && text.contains("\"balances\"") && !text.contains("hunter2"))
            }
            #expect(try await view.count() == 5)
            #expect(try await view.find(documents[1].key) == documents[1])
        }
    }
}
