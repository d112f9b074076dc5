@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import TestSupport
import Testing

/// What a reader of a view refuses by itself, and how it reads what it finds; finding it needs a server.
@Suite("ViewReader")
struct ViewReaderTests {
    /// Nothing listens there.
    private func view() throws -> ViewReader<Balance> {
        let store = try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=10"))
        return ViewReader(
            store: store, namespace: Namespace(database: "daybook", collection: "views.balances"), name: "balances")
    }

    @Test("an invalid query fails before any server is asked, each time")
    func refused() async throws {
        let view = try view()
        for ask in [
            { for try await _ in view.query(limit: 0) {} },
            { for try await _ in view.query(matching: [:], limit: -1) {} },
            { for try await _ in view.query(where: \.undeclared == 1) {} },
            { for try await _ in view.query(sort: [.ascending(\.undeclared)]) {} },
            { _ = try await view.first(where: \.undeclared == 1) },
            { _ = try await view.count(where: \.undeclared == 1) },
            { _ = try await view.contains(where: \.undeclared == 1) }, { _ = try await view.page(limit: 0) },
            { _ = try await view.page(sort: [.descending(\.tags)]) },
        ] as [() async throws -> Void] {
            for _ in 0..<2 {
                let error = await #expect(throws: DaybookError.self) { try await ask() }
                #expect(error?.code == .invalidArgument)
                #expect(error?.operation != nil)
            }
        }
    }

    @Test("a query that is in order goes to the server")
    func accepted() async throws {
        let view = try view()
        for (operation, ask) in [
            ("query", { for try await _ in view.query(where: \.cents == 1, sort: [.ascending(\.owner)], limit: 1) {} }),
            ("find", { _ = try await view.find("b-1") }), ("count", { _ = try await view.count(matching: [:]) }),
            ("page", { _ = try await view.page(where: .missing(\.closedAt)) }),
        ] as [(String, () async throws -> Void)] {
            let error = await #expect(throws: DaybookError.self) { try await ask() }
            #expect(error?.code == .unavailable)
            #expect(error?.operation == operation)
        }
    }

    @Test("a filter and a sort of a view's document are as those of a snapshot")
    func documents() throws {
        let filter: Filter<Balance> = \.cents >= 3 && .hasPrefix(\.owner, "A") || .missing(\.closedAt)
        #expect(
            try filter.document() == [
                "$or": [
                    ["$and": [["state.cents": ["$gte": 3]], ["state.owner": ["$gte": "A", "$lt": "B"]]]],
                    ["state.closedAt": ["$eq": .null]],
                ]
            ])
        #expect(
            try SortColumn.columns(of: [Sort<Balance>.descending(\.cents)]) == [
                SortColumn(path: "state.cents", direction: -1), SortColumn(path: "_id", direction: -1),
            ])
    }

    @Test("the declared fields of a view's document make indexes, and are checked")
    func fields() throws {
        struct Renamed: Queryable {
            enum CodingKeys: String, CodingKey { case total = "sum" }
            static let fields: [Field<Renamed>] = [Field("total", \.total)]
            var total = 0
        }
        struct Twice: Queryable {
            static let fields: [Field<Twice>] = [Field("x", \.x), Field("x", \.y)]
            var x = 0
            var y = 0
        }
        #expect(
            try DatabasePlan.indexes(of: Balance.self).map { try $0.document() } == [
                ["name": "state.owner_1__id_1", "key": ["state.owner": .int32(1), "_id": .int32(1)]]
            ])
        try Balance.checkFields()
        let renamed = #expect(throws: DaybookError.self) { try Renamed.checkFields() }
        #expect(renamed?.code == .invalidConfiguration)
        let twice = #expect(throws: DaybookError.self) { try DatabasePlan.indexes(of: Twice.self) }
        #expect(twice?.code == .invalidConfiguration)
    }

    // MARK: Reading a document

    private static let stored: BSONDocument = [
        "_id": "b-1", "state": ["owner": "Ann", "cents": 5, "tags": [], "undeclared": 0], "events": .int64(3),
        "later": "a field that this version does not know",
    ]

    private func read(_ document: BSONDocument) throws -> QueriedDocument<ViewDocument<Balance>> {
        try document.withBorrowed { try QueriedDocument($0, BSONDecoder()) }
    }

    @Test("a stored document becomes its key, its state and its number of events")
    func readable() throws {
        guard case .readable(let found) = try read(Self.stored) else { throw Unexpected() }
        var balance = Balance()
        balance.owner = "Ann"
        balance.cents = 5
        #expect(found == ViewDocument(key: "b-1", document: balance, events: 3))
    }

    @Test(
        "a document that lacks a part, or whose state does not fit, is unreadable, by its key",
        arguments: ["_id", "state", "events", "state.owner", "state.cents"])
    func unreadable(path: String) throws {
        for value in [nil, .null, .datetime(BSONDate(milliseconds: 1))] as [BSONValue?] {
            guard case .unreadable(let id, _) = try read(Self.stored.changing(path, to: value)) else {
                throw Unexpected()
            }
            #expect(id == (path == "_id" ? nil : "b-1"))
        }
    }

    @Test("an error about a document names the view and the key, and no aggregate")
    func errors() {
        let kind = DocumentKind.view("balances")
        let error = kind.error(.unreadableDocument, "it lacks a field", id: "title/2026-07")
        #expect(error.description == "the document \"title/2026-07\" of the view \"balances\": it lacks a field")
        #expect(error.aggregateID == nil)
        #expect(
            kind.error(.unreadableDocument, "it lacks a field", id: nil).description
                == "the document without a key of the view \"balances\": it lacks a field")
        #expect(DocumentKind.snapshots(of: "parcel").error(.server, "x", id: "parcel/P-1").aggregateID == "parcel/P-1")
    }

    @Test("a position that a view's document cannot have is an error with the view and the key")
    func position() {
        let document: BSONDocument = ["_id": "b-1", "state": ["cents": ["secret"]]]
        let error = #expect(throws: DaybookError.self) {
            try document.withBorrowed {
                try PagePosition(
                    of: $0, in: [SortColumn(path: "state.cents", direction: 1), .id], kind: .view("balances"))
            }
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.aggregateID == nil)
        let text = error?.description ?? ""
        #expect(text.contains("\"b-1\"") && text.contains("\"balances\"") && text.contains("state.cents"))
        #expect(!text.contains("secret"))
    }

    private struct Unexpected: Error {}
}
