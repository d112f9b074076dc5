@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import TestSupport
import Testing

@Suite struct PagingTests {
    private static let now = Date(timeIntervalSince1970: 1_700_000_000)

    /// Tickets with many equals and much that is missing.
    private static func random(_ generator: inout SeededGenerator) -> Ticket.Details {
        Ticket.Details(
            Ticket.Status.allCases.randomElement(using: &generator) ?? .open,
            priority: Int.random(in: 0...2, using: &generator),
            assignee: [nil, nil, "", "Ann", "Zoë", "Zo"].randomElement(using: &generator) ?? nil,
            dueAt: Bool.random(using: &generator)
                ? now.addingTimeInterval(Double.random(in: 0...2, using: &generator).rounded()) : nil,
            row: Int.random(in: 0...1, using: &generator),
            weight: [nil, .nan, 0, -0.0, 1.5, -1, .infinity, -.infinity].randomElement(using: &generator) ?? nil)
    }

    private func withTickets(_ count: Int, seed: UInt64, _ body: (Repository<Ticket>) async throws -> Void) async throws
    {
        try await withTestStore { store in
            try await store.initialize(Ticket.self)
            try await store.transaction { transaction in
                var generator = SeededGenerator(seed: seed)
                for index in 0..<count {
                    try await transaction.execute(.change(Self.random(&generator)), on: "t-\(index)", of: Ticket.self)
                }
            }
            try await body(store.repository(Ticket.self))
        }
    }

    private static let fields: [(String, Sort<Ticket>, Sort<Ticket>)] = [
        ("status", .ascending(\.status), .descending(\.status)),
        ("priority", .ascending(\.priority), .descending(\.priority)),
        ("assignee", .ascending(\.assignee), .descending(\.assignee)),
        ("dueAt", .ascending(\.dueAt), .descending(\.dueAt)),
        ("row", .ascending(\.place.row), .descending(\.place.row)),
        ("weight", .ascending(\.weight), .descending(\.weight)),
    ]

    private static func randomSort(_ generator: inout SeededGenerator) -> (name: String, sort: [Sort<Ticket>]) {
        let chosen = fields.shuffled(using: &generator).prefix(Int.random(in: 0...3, using: &generator))
        let directions = chosen.map { _ in Bool.random(using: &generator) }
        return (
            zip(chosen, directions).map { "\($0.0) \($1 ? "up" : "down")" }.joined(separator: ", "),
            zip(chosen, directions).map { $1 ? $0.1 : $0.2 }
        )
    }

    private func keys(_ query: SnapshotQuery<Ticket>) async throws -> [String] {
        var keys: [String] = []
        for try await snapshot in query { keys.append(snapshot.id.key) }
        return keys
    }

    /// The pages of all that match, one after the other; each key goes through its text, as through a client.
    private func pages(
        _ tickets: Repository<Ticket>, where filter: Filter<Ticket>? = nil, sort: [Sort<Ticket>] = [], limit: Int
    ) async throws -> [[String]] {
        var pages: [[String]] = []
        var key: PageKey?
        repeat {
            let page = try await tickets.page(where: filter, sort: sort, limit: limit, after: key)
            pages.append(page.items.map(\.id.key))
            key = try page.next.map { try PageKey(parsing: $0.description) }
        } while key != nil
        return pages
    }

    @Test("the pages of any order, one after the other, are the one big query", arguments: 1...7)
    func equalsQuery(limit: Int) async throws {
        try await withTickets(40, seed: UInt64(limit)) { tickets in
            var generator = SeededGenerator(seed: UInt64(limit) * 100)
            for round in 0..<10 {
                let (name, sort) = Self.randomSort(&generator)
                let filter: Filter<Ticket>? = round % 3 == 0 ? \.priority > 0 || .missing(\.assignee) : nil
                let pages = try await pages(tickets, where: filter, sort: sort, limit: limit)
                let expected = try await keys(tickets.query(where: filter, sort: sort))
                // A query without a sort has no order of its own.
                let inOrder = sort.isEmpty ? expected.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } : expected
                #expect(pages.flatMap { $0 } == inOrder, "\(name) by \(limit)")
                #expect(pages.dropLast().allSatisfy { $0.count == limit }, "\(name) by \(limit)")
                #expect(pages.last?.isEmpty == false)
            }
        }
    }

    @Test("hand-written values of every kind in a sorted field are each on one page")
    func everyKind() async throws {
        try await withTickets(24, seed: 1) { tickets in
            let objectID = try #require(BSONObjectID(bytes: Array(0..<12)))
            let values: [BSONValue] = [
                .null, .double(.nan), .double(-.infinity), 2.5, .int32(2), 2, "", "text", .symbol("symbol"), [:],
                ["a": 1],
                ["a": "b"],
                .binary(BSONBinary(bytes: [1])), .objectID(objectID), .bool(false), .bool(true),
                .datetime(BSONDate(milliseconds: 0)), .timestamp(BSONTimestamp(seconds: 1, increment: 1)),
            ]
            for (index, value) in values.enumerated() {
                try await tickets.store.raw.update(
                    ["_id": .string("ticket/t-\(index)")], with: ["$set": ["state.assignee": value]],
                    in: "snapshots.ticket")
            }
            for sort in [Sort<Ticket>.ascending(\.assignee), .descending(\.assignee)] {
                let expected = try await keys(tickets.query(sort: [sort]))
                #expect(expected.count == 24)
                for limit in [1, 5] {
                    #expect(try await pages(tickets, sort: [sort], limit: limit).flatMap { $0 } == expected)
                }
            }
        }
    }

    @Test(
        "documents inserted, changed and deleted between pages make none that stays appear twice or be left out",
        arguments: 1...4
    )
    func concurrentChanges(seed: UInt64) async throws {
        try await withTickets(40, seed: seed) { tickets in
            var generator = SeededGenerator(seed: seed * 1_000)
            let (name, sort) = Self.randomSort(&generator)
            let before = try await keys(tickets.query(sort: sort))
            var untouched = Set(before)
            var met: [String] = []
            var key: PageKey?
            var added = 0
            repeat {
                let page = try await tickets.page(sort: sort, limit: 3, after: key)
                met += page.items.map(\.id.key)
                key = page.next
                for _ in 0..<2 {
                    added += 1
                    // Before, between and behind those that are there.
                    let new = ["a-\(added)", "t-\(Int.random(in: 0..<40, using: &generator))-\(added)", "z-\(added)"]
                    try await tickets.execute(
                        .change(Self.random(&generator)), on: new.randomElement(using: &generator) ?? "x")
                }
                let changed = "t-\(Int.random(in: 0..<40, using: &generator))"
                untouched.remove(changed)
                try await tickets.execute(.change(Self.random(&generator)), on: changed)
                // Sometimes the very one that the next page begins behind.
                let deleted = Bool.random(using: &generator) ? met.last : untouched.randomElement(using: &generator)
                if let deleted, untouched.remove(deleted) != nil {
                    try await tickets.store.raw.delete(["_id": .string("ticket/\(deleted)")], from: "snapshots.ticket")
                }
            } while key != nil && added < 400
            #expect(key == nil)
            let stayed = met.filter(untouched.contains)
            if sort.isEmpty {
                #expect(stayed == untouched.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
            } else {
                #expect(stayed == before.filter(untouched.contains), "\(name)")
            }
        }
    }

    @Test("paging while others write meets whatever they leave alone exactly once")
    func besideWriters() async throws {
        try await withTickets(30, seed: 9) { tickets in
            let sort: [Sort<Ticket>] = [.descending(\.priority), .ascending(\.dueAt)]
            let before = try await keys(tickets.query(sort: sort))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<3 {
                    group.addTask {
                        var generator = SeededGenerator(seed: UInt64(writer))
                        for count in 0..<40 {
                            // Comes into being at one place, and moves on to others.
                            let key = "t-\(Int.random(in: 0..<30, using: &generator))-\(writer)-\(count % 9)"
                            try await tickets.execute(.change(Self.random(&generator)), on: key)
                        }
                    }
                }
                for limit in [2, 5] {
                    var met: [String] = []
                    var key: PageKey?
                    repeat {
                        let page = try await tickets.page(sort: sort, limit: limit, after: key)
                        met += page.items.map(\.id.key)
                        key = page.next
                    } while key != nil
                    #expect(met.filter(before.contains) == before)
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a page ends and begins after a snapshot that was folded anew, where it is stored")
    func refolded() async throws {
        try await withTickets(12, seed: 3) { tickets in
            // What is stored sorts elsewhere than what the journal says.
            for (index, change) in [
                ["state.priority": "high"], ["state": "gone"], ["stateSchema": .int32(9), "state.priority": -7],
                ["version": "two"],
            ].enumerated() as EnumeratedSequence<[BSONDocument]> {
                try await tickets.store.raw.update(
                    ["_id": .string("ticket/t-\(index * 2)")], with: ["$set": .document(change)], in: "snapshots.ticket"
                )
            }
            for sort in [Sort<Ticket>.ascending(\.priority), .descending(\.priority)] {
                let expected = try await keys(tickets.query(sort: [sort]))
                #expect(Set(expected).count == 12)
                for limit in 1...4 {
                    #expect(try await pages(tickets, sort: [sort], limit: limit).flatMap { $0 } == expected)
                }
            }
            let page = try await tickets.page(where: \.priority < 0, sort: [.ascending(\.priority)], limit: 1)
            #expect(try await tickets.load("t-4") == page.items.first)
        }
    }

    @Test("snapshots that are left out make no page shorter, and stop none")
    func leftOut() async throws {
        try await withTickets(7, seed: 5) { tickets in
            let objectID = try #require(BSONObjectID(bytes: Array(0..<12)))
            var strays: [BSONDocument] = [
                ["_id": .int64(5)], ["_id": .objectID(objectID)], ["_id": .null],
            ]
            for index in 0..<9 {
                strays.append(["_id": .string("ticket/t-\(index % 7)-stray-\(index)"), "state": "gone"])
            }
            strays.append(["_id": "license/L-1", "version": 1, "stateSchema": .int32(2), "state": [:]])
            try await tickets.store.raw.insert(strays, into: "snapshots.ticket")
            for sort in [[], [.ascending(\.priority)], [.descending(\.assignee)]] as [[Sort<Ticket>]] {
                let expected = try await keys(tickets.query(sort: sort))
                #expect(expected.count == 7)
                for limit in 1...8 {
                    let pages = try await pages(tickets, sort: sort, limit: limit)
                    #expect(pages.flatMap { $0 }.sorted() == expected.sorted())
                    if !sort.isEmpty { #expect(pages.flatMap { $0 } == expected) }
                    #expect(pages.dropLast().allSatisfy { $0.count == limit })
                }
            }
        }
    }

    @Test("the last page has no key, the first of nothing is empty, and a raw filter pages too")
    func ends() async throws {
        try await withTickets(6, seed: 6) { tickets in
            #expect(try await tickets.page(limit: 6).next == nil)
            #expect(try await tickets.page(limit: .max).items.count == 6)
            #expect(try await pages(tickets, limit: 3).map(\.count) == [3, 3])
            let none = try await tickets.page(where: \.priority == 99)
            #expect(none.items.isEmpty && none.next == nil)
            let first = try await tickets.page(matching: ["state.priority": ["$gte": 0]], limit: 4)
            let second = try await tickets.page(matching: ["state.priority": ["$gte": 0]], limit: 4, after: first.next)
            #expect(first.items.count == 4 && second.items.count == 2)
            #expect(Set((first.items + second.items).map(\.id)).count == 6)
        }
    }

    @Test("an array cannot be paged by, declared or found")
    func arrays() async throws {
        try await withTickets(6, seed: 7) { tickets in
            for sort in [Sort<Ticket>.ascending(\.tags), .descending(\.watchers)] {
                let error = await #expect(throws: DaybookError.self) { _ = try await tickets.page(sort: [sort]) }
                #expect(error?.code == .invalidArgument)
            }
            try await tickets.store.raw.update(
                ["_id": "ticket/t-3"], with: ["$set": ["state.assignee": ["secret"]]], in: "snapshots.ticket")
            let error = await #expect(throws: DaybookError.self) {
                _ = try await pages(tickets, sort: [.descending(\.assignee)], limit: 1)
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.aggregateID == "ticket/t-3")
            #expect(error?.description.contains("secret") == false)
        }
    }

    @Test("a page after a key uses the index of a field that is filtered by, and of one that is sorted by")
    func indexes() async throws {
        try await withTickets(30, seed: 8) { tickets in
            func explain(_ filter: BSONDocument, sort: BSONDocument = [:]) async throws -> [String] {
                let find: BSONDocument = [
                    "find": "snapshots.ticket", "filter": .document(filter), "sort": .document(sort), "limit": 3,
                ]
                let reply = try await tickets.store.raw.read(["explain": .document(find), "verbosity": "queryPlanner"])
                return reply.value(at: "queryPlanner.winningPlan").map(stages) ?? []
            }
            func explainPage(_ filter: Filter<Ticket>?, _ sort: [Sort<Ticket>]) async throws -> [String] {
                let key = try #require(try await tickets.page(where: filter, sort: sort, limit: 2).next)
                let prepared = try Selection(filter: filter, sort: sort, limit: 2).prepare()
                var order = BSONDocument()
                for (path, direction) in prepared.order { try order.append(path, .int32(direction)) }
                let position = try key.position(of: .snapshots(of: Ticket.type), in: prepared.columns)
                return try await explain(prepared.filter(after: position), sort: order)
            }
            let byStatus = try await explainPage(\.status == .open, [.descending(\.priority)])
            let inStatusOrder = try await explainPage(nil, [.ascending(\.status)])
            let inIDOrder = try await explainPage(nil, [])
            // The local server uses an index for one condition alone, and MongoDB for one among others.
            let plain = try await explain(["state.status": "open", "state.priority": 1])
            withKnownIssue("this server scans wherever a filter has two conditions") {
                #expect(
                    byStatus.contains("IXSCAN state.status_1__id_1") && !byStatus.contains("COLLSCAN"), "\(byStatus)")
                #expect(
                    inStatusOrder.contains("IXSCAN state.status_1__id_1") && !inStatusOrder.contains("COLLSCAN"),
                    "\(inStatusOrder)")
                #expect(!inIDOrder.isEmpty && !inIDOrder.contains("COLLSCAN"), "\(inIDOrder)")
            } when: {
                !plain.contains("IXSCAN state.status_1__id_1")
            }
        }
    }

    /// The stages of a plan, those of all its branches, with the index that each uses.
    private func stages(_ plan: BSONValue) -> [String] {
        switch plan {
        case .array(let plans): return plans.flatMap(stages)
        case .document(let plan):
            let own = plan.string(at: "stage").map { name in
                plan.string(at: "indexName").map { "\(name) \($0)" } ?? name
            }
            return (own.map { [$0] } ?? [])
                + ["inputStage", "inputStages", "queryPlan"].compactMap { plan[$0] }.flatMap(stages)
        default: return []
        }
    }
}
