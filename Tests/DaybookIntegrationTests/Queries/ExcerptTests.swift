@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import DaybookMongo
import Testing

@Suite struct ExcerptTests {
    private struct Row: Codable, Sendable, Equatable {
        struct Place: Codable, Sendable, Equatable {
            var row: Int
        }

        var status: Ticket.Status
        var assignee: String?
        var place: Place
        /// Never asked for.
        var priority: Int?
    }

    private func withTickets(_ body: (Repository<Ticket>) async throws -> Void) async throws {
        try await withTestStore { store in
            try await store.initialize(Ticket.self)
            try await store.transaction { transaction in
                for index in 0..<12 {
                    let details = Ticket.Details(
                        Ticket.Status.allCases[index % 3], priority: index, assignee: index % 4 == 0 ? nil : "Ann",
                        row: index / 3
                    )
                    try await transaction.execute(.change(details), on: "t-\(index)", of: Ticket.self)
                }
            }
            try await body(store.repository(Ticket.self))
        }
    }

    private func all<Value>(_ query: ExcerptQuery<Ticket, Value>) async throws -> [SnapshotExcerpt<Value>] {
        var found: [SnapshotExcerpt<Value>] = []
        for try await excerpt in query { found.append(excerpt) }
        return found
    }

    private static func row(_ index: Int) -> Row {
        Row(
            status: Ticket.Status.allCases[index % 3], assignee: index % 4 == 0 ? nil : "Ann",
            place: .init(row: index / 3))
    }

    @Test("a value is decoded from the fields that were asked for, and from no others")
    func values() async throws {
        try await withTickets { tickets in
            let fields: [any PartialKeyPath<Ticket> & Sendable] = [\.status, \.assignee, \.place.row, \.status]
            let rows = try await all(
                tickets.query(Row.self, of: fields, where: \.priority > 3, sort: [.descending(\.priority)], limit: 5))
            #expect(rows.map(\.value) == [11, 10, 9, 8, 7].map(Self.row))
            #expect(rows.map(\.id.key) == [11, 10, 9, 8, 7].map { "t-\($0)" })
            #expect(rows.allSatisfy { $0.version == 1 })
            let one = try await all(tickets.query(Row.self, of: fields, matching: ["_id": "ticket/t-4"]))
            #expect(one.map(\.value) == [Self.row(4)])
        }
    }

    @Test("only what was asked for leaves the server")
    func transfer() async throws {
        try await withTickets { tickets in
            let projection = try StateExcerpt(of: ["status", "place.row"]).projection
            let namespace = tickets.snapshots
            let found = try await tickets.store.client.withConnection(.single) { connection in
                try connection.findOne([:], in: namespace, options: .init(projection: projection)) { BSONDocument($0) }
            }
            let document = try #require(found)
            let keys = try document.withBorrowed { try $0.map { try $0.keyString } }
            #expect(Set(keys) == ["_id", "version", "stateSchema", "state"])
            #expect(document.value(at: "state.status") != nil && document.value(at: "state.place.row") != nil)
            for name in ["priority", "assignee", "tags", "changes"] {
                #expect(document.value(at: "state.\(name)") == nil)
            }
        }
    }

    @Test(
        "a snapshot from which the value cannot be decoded is folded anew, and gives the same fields",
        arguments: [
            ["state.status": "lost"], ["state": "gone"], ["state.place": 3], ["version": "two"],
            ["stateSchema": .int32(7)],
        ] as [BSONDocument])
    func refolded(change: BSONDocument) async throws {
        try await withTickets { tickets in
            try await tickets.store.raw.update(
                ["_id": "ticket/t-5"], with: ["$set": .document(change)], in: "snapshots.ticket")
            try await tickets.store.raw.insert([["_id": "ticket/orphan", "state": "gone"]], into: "snapshots.ticket")
            let rows = try await all(tickets.query(Row.self, of: [\.status, \.assignee, \.place.row]))
            #expect(rows.count == 12)
            let found = try #require(rows.first { $0.id.key == "t-5" })
            #expect(found == SnapshotExcerpt(id: found.id, version: 1, value: Self.row(5)))
        }
    }

    @Test("a value that fits no state is an invalid argument that names the field")
    func unfit() async throws {
        struct Wrong: Decodable { var status: Int }
        try await withTickets { tickets in
            let error = await #expect(throws: DaybookError.self) {
                _ = try await all(tickets.query(Wrong.self, of: [\.status]))
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("status") == true)
        }
    }

    @Test("a query of no fields, or of one that is not declared, is an invalid argument each time it is asked")
    func invalid() async throws {
        try await withTickets { tickets in
            for fields in [[], [\.changes], [\.status, \.place]] as [[any PartialKeyPath<Ticket> & Sendable]] {
                var iterator = tickets.query(Row.self, of: fields).makeAsyncIterator()
                for _ in 0..<2 {
                    let error = await #expect(throws: DaybookError.self) { _ = try await iterator.next() }
                    #expect(error?.code == .invalidArgument)
                    #expect(error?.operation == "query")
                }
            }
        }
    }
}
