@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite struct QueryTests {
    private static let now = Date(timeIntervalSince1970: 1_700_000_000)

    private static let tickets: [String: Ticket.Details] = {
        var tickets: [String: Ticket.Details] = [:]
        for index in 0..<24 {
            let status = Ticket.Status.allCases[index % 3]
            tickets["t-\(index)"] = Ticket.Details(
                status, priority: index % 5 - 1, assignee: [nil, "Ann", "Zoë"][index % 4 % 3],
                dueAt: index.isMultiple(of: 2) ? now.addingTimeInterval(Double(index) * 60) : nil, row: index / 6,
                tags: [["red"], [], ["red", "blue"], ["$where", "^r"]][index % 4],
                weight: [nil, .nan, 1.5, -.infinity][index / 2 % 4])
        }
        return tickets
    }()

    private func withTickets(_ body: (Repository<Ticket>) async throws -> Void) async throws {
        try await withTestStore { store in
            try await store.initialize(Ticket.self)
            try await store.transaction { transaction in
                for (key, details) in Self.tickets {
                    try await transaction.execute(.change(details), on: key, of: Ticket.self)
                }
            }
            try await body(store.repository(Ticket.self))
        }
    }

    private func keys(_ query: SnapshotQuery<Ticket>) async throws -> [String] {
        var keys: [String] = []
        for try await snapshot in query { keys.append(snapshot.id.key) }
        return keys
    }

    /// A condition for the server, and the same for Swift.
    private struct Condition: Sendable {
        var name: String
        var filter: Filter<Ticket>
        var holds: @Sendable (Ticket.Details) -> Bool

        init(_ name: String, _ filter: Filter<Ticket>, _ holds: @escaping @Sendable (Ticket.Details) -> Bool) {
            self.name = name
            self.filter = filter
            self.holds = holds
        }
    }

    private static let conditions: [Condition] = [
        Condition("== enum", \.status == .open) { $0.status == .open },
        Condition("!= enum", \.status != .open) { $0.status != .open },
        Condition("< enum", \.status < .waiting) { $0.status < .waiting },
        Condition("== number", \.priority == 2) { $0.priority == 2 },
        Condition("!= number", \.priority != 2) { $0.priority != 2 },
        Condition("< number", \.priority < 1) { $0.priority < 1 },
        Condition("<= number", \.priority <= 1) { $0.priority <= 1 },
        Condition("> number", \.priority > 1) { $0.priority > 1 },
        Condition(">= number", \.priority >= 1) { $0.priority >= 1 },
        Condition("== negative", \.priority == -1) { $0.priority == -1 },
        Condition("== no one", \.priority == 99) { _ in false },
        Condition("== optional", \.assignee == "Zoë") { $0.assignee == "Zoë" },
        Condition("!= optional", \.assignee != "Zoë") { $0.assignee != "Zoë" },
        Condition("== nil", \.assignee == nil) { $0.assignee == nil },
        Condition("!= nil", \.assignee != nil) { $0.assignee != nil },
        Condition("< optional", \.assignee < "B") { $0.assignee.map { $0 < "B" } ?? false },
        Condition("< date", \.dueAt < now.addingTimeInterval(480)) {
            $0.dueAt.map { $0 < now.addingTimeInterval(480) } ?? false
        },
        Condition("<= date", \.dueAt <= now.addingTimeInterval(480)) {
            $0.dueAt.map { $0 <= now.addingTimeInterval(480) } ?? false
        },
        Condition("> date", \.dueAt > now.addingTimeInterval(480)) {
            $0.dueAt.map { $0 > now.addingTimeInterval(480) } ?? false
        },
        Condition(">= date", \.dueAt >= now.addingTimeInterval(480)) {
            $0.dueAt.map { $0 >= now.addingTimeInterval(480) } ?? false
        },
        Condition("== date", \.dueAt == now) { $0.dueAt == now },
        Condition("nested", \.place.row >= 2) { $0.row >= 2 },
        Condition("&&", \.status == .open && \.priority > 0) { $0.status == .open && $0.priority > 0 },
        Condition("||", \.status == .open || \.priority > 2) { $0.status == .open || $0.priority > 2 },
        Condition("! <", !(\.priority < 1)) { !($0.priority < 1) },
        Condition("! optional", !(\.dueAt < now.addingTimeInterval(480))) {
            !($0.dueAt.map { $0 < now.addingTimeInterval(480) } ?? false)
        },
        Condition("&& of one field", \.priority > 0 && \.priority < 3 && \.priority != 1) { $0.priority == 2 },
        Condition("in", .in(\.status, [.open, .closed])) { [.open, .closed].contains($0.status) },
        Condition("in one", .in(\.priority, [2])) { $0.priority == 2 },
        Condition("in none", .in(\.status, [])) { _ in false },
        Condition("in with nil", .in(\.assignee, [nil, "Ann"])) { [nil, "Ann"].contains($0.assignee) },
        Condition("not in", .notIn(\.status, [.open, .closed])) { ![.open, .closed].contains($0.status) },
        Condition("not in none", .notIn(\.status, [])) { _ in true },
        Condition("not in, optional", .notIn(\.assignee, ["Ann"])) { $0.assignee != "Ann" },
        Condition("! in none", !.in(\.status, [])) { _ in true },
        Condition("exists", .exists(\.dueAt)) { $0.dueAt != nil },
        Condition("missing", .missing(\.assignee)) { $0.assignee == nil },
        Condition("contains", .contains(\.tags, "red")) { $0.tags.contains("red") },
        Condition("contains, set", .contains(\.watchers, "blue")) { $0.tags.contains("blue") },
        Condition("contains an operator", .contains(\.tags, "$where")) { $0.tags.contains("$where") },
        Condition("contains no pattern", .contains(\.tags, "^r")) { $0.tags.contains("^r") },
        Condition("! contains", !.contains(\.tags, "red")) { !$0.tags.contains("red") },
        Condition("== array", \.tags == ["red", "blue"]) { $0.tags == ["red", "blue"] },
        Condition("prefix", .hasPrefix(\.assignee, "Zo")) { $0.assignee?.hasPrefix("Zo") ?? false },
        Condition("prefix, whole", .hasPrefix(\.assignee, "Zoë")) { $0.assignee == "Zoë" },
        Condition("prefix, nothing", .hasPrefix(\.assignee, "")) { $0.assignee != nil },
        Condition("prefix is no pattern", .hasPrefix(\.assignee, ".")) { _ in false },
        Condition("prefix is no alternative", .hasPrefix(\.assignee, "Ann|Zoë")) { _ in false },
        Condition("< with NaN stored", \.weight < 2) { $0.weight.map { $0 < 2 } ?? false },
        Condition("! < with NaN stored", !(\.weight < 2)) { !($0.weight.map { $0 < 2 } ?? false) },
        Condition("== NaN", \.weight == .nan) { $0.weight?.isNaN ?? false },
        Condition("raw", .raw(["state.priority": ["$mod": [2, 0]]]) && \.status == .open) {
            $0.priority.isMultiple(of: 2) && $0.status == .open
        },
        Condition("all of none", .all([])) { _ in true },
        Condition("any of none", .any([])) { _ in false },
        Condition("! any of none, and", !.any([]) && \.priority > 0) { $0.priority > 0 },
        Condition("! !=", !(\.assignee != "Ann")) { $0.assignee == "Ann" },
        Condition(
            "all together", (\.status == .closed && !(\.assignee == nil)) || (\.place.row == 3 && \.priority <= 0)
        ) {
            ($0.status == .closed && $0.assignee != nil) || ($0.row == 3 && $0.priority <= 0)
        },
    ]

    @Test("a filter finds what the same condition finds in Swift")
    func filters() async throws {
        try await withTickets { tickets in
            for condition in Self.conditions {
                let expected = Self.tickets.filter { condition.holds($0.value) }.map(\.key)
                let found = try await keys(tickets.query(where: condition.filter))
                #expect(found.sorted() == expected.sorted(), "\(condition.name)")
                #expect(try await tickets.count(where: condition.filter) == expected.count, "\(condition.name)")
                #expect(try await tickets.contains(where: condition.filter) == !expected.isEmpty, "\(condition.name)")
            }
            #expect(try await keys(tickets.query()).count == 24)
            #expect(try await tickets.count() == 24)
            #expect(try await tickets.count(matching: ["version": 1]) == 24)
        }
    }

    @Test("the first is the first of the order, or nil; what is left out is not the first")
    func first() async throws {
        try await withTickets { tickets in
            let order: [Sort<Ticket>] = [.descending(\.place.row), .ascending(\.priority)]
            let expected = try await keys(tickets.query(sort: order))
            #expect(try await tickets.first(sort: order)?.id.key == expected.first)
            #expect(try await tickets.first(where: \.priority == 99) == nil)
            try await tickets.store.raw.insert(
                [["_id": "ticket/orphan", "state": ["place": ["row": 99]]]], into: "snapshots.ticket")
            #expect(try await tickets.first(sort: order)?.id.key == expected.first)
            #expect(try await tickets.first(where: \.place.row == 99) == nil)
            // A field that is named again changes nothing.
            #expect(
                try await keys(tickets.query(where: \.place.row < 99, sort: order + [.ascending(\.place.row)]))
                    == expected)
        }
    }

    @Test("a query comes in the order that is asked for, the id deciding between equals")
    func sort() async throws {
        try await withTickets { tickets in
            /// The id decides in the direction of the last field.
            func expected(descending: Bool = false, _ isBefore: (Ticket.Details, Ticket.Details) -> Bool) -> [String] {
                Self.tickets.sorted { left, right in
                    if isBefore(left.value, right.value) { return true }
                    if isBefore(right.value, left.value) { return false }
                    let (first, second) = descending ? (right, left) : (left, right)
                    return first.key.utf8.lexicographicallyPrecedes(second.key.utf8)
                }.map(\.key)
            }
            #expect(
                try await keys(tickets.query(sort: [.ascending(\.priority)])) == expected { $0.priority < $1.priority })
            #expect(
                try await keys(tickets.query(sort: [.descending(\.status)]))
                    == expected(descending: true) { $0.status > $1.status })
            #expect(
                try await keys(tickets.query(sort: [.descending(\.place.row), .ascending(\.priority)]))
                    == expected { ($1.row, $0.priority) < ($0.row, $1.priority) })
            let first = try await keys(tickets.query(where: \.priority > 0, sort: [.descending(\.priority)], limit: 4))
            #expect(first == Array(expected(descending: true) { $0.priority > $1.priority }.prefix(4)))
            #expect(try await keys(tickets.query(sort: [.ascending(\.priority)], limit: 1_000)).count == 24)
        }
    }

    @Test("a query gives the whole state, its version and its times")
    func content() async throws {
        try await withTickets { tickets in
            try await tickets.execute(
                .change(Ticket.Details(.closed, priority: 50, assignee: "Ann", dueAt: Self.now)), on: "t-3")
            let found = try #require(try await first(tickets.query(where: \.priority == 50)))
            #expect(found == (try await tickets.load("t-3")))
            #expect(found.version == 2)
            #expect(found.state.changes == 2)
            #expect(found.state.dueAt == Self.now)
        }
    }

    @Test("a raw filter asks for anything that is stored")
    func rawFilter() async throws {
        try await withTickets { tickets in
            let one = try await keys(tickets.query(matching: ["_id": "ticket/t-7"]))
            #expect(one == ["t-7"])
            #expect(try await keys(tickets.query(matching: ["version": ["$gt": 1]])).isEmpty)
            #expect(try await keys(tickets.query(matching: ["state.assignee": ["$regex": "^Zo"]], limit: 3)).count == 3)
        }
    }

    @Test("G12: a key path that is not declared, and a limit of nothing, are invalid arguments")
    func invalid() async throws {
        try await withTickets { tickets in
            for query in [
                tickets.query(where: \.changes == 1), tickets.query(where: \.priority > 0 && !(\.changes > 1)),
                tickets.query(sort: [.ascending(\.changes)]), tickets.query(limit: 0), tickets.query(limit: -1),
            ] {
                let error = await #expect(throws: DaybookError.self) { _ = try await keys(query) }
                #expect(error?.code == .invalidArgument)
            }
        }
    }

    @Test(
        "G12: a filter that the server refuses is an error that keeps its number, and no value of the filter",
        arguments: [
            ["state.priority": ["$nonsense": "hunter2"]], ["$nonsense": "hunter2"], ["$and": "hunter2"], ["$and": []],
            ["$where": ["hunter2": 1]], ["state.assignee": ["$in": "hunter2"]],
            ["state.assignee": ["$regex": "(hunter2"]],
            ["state.assignee": ["$type": "hunter2"]], ["$expr": ["$hunter2": 1]],
        ] as [BSONDocument])
    func refusedFilter(filter: BSONDocument) async throws {
        try await withTickets { tickets in
            let calls: [(String, () async throws -> Void)] = [
                ("query", { _ = try await keys(tickets.query(matching: filter)) }),
                ("query", { _ = try await keys(tickets.query(where: .raw(filter) && \.priority > 0)) }),
                ("page", { _ = try await tickets.page(matching: filter) }),
                ("count", { _ = try await tickets.count(matching: filter) }),
            ]
            for (operation, call) in calls {
                let error = await #expect(throws: DaybookError.self) { try await call() }
                #expect(error?.code == .server)
                #expect(error?.operation == operation)
                if let error { #expect(!"\(error)".contains("hunter2"), "\(error)") }
            }
        }
    }

    @Test(
        "a snapshot that a query cannot read is folded anew from the journal",
        arguments: [
            ["state.priority": "high"], ["state": "gone"], ["version": "two"], ["state.status": "lost"],
            ["stateSchema": .int32(7)],
        ] as [BSONDocument])
    func unreadable(change: BSONDocument) async throws {
        try await withTickets { tickets in
            try await tickets.store.raw.update(
                ["_id": "ticket/t-9"], with: ["$set": .document(change)], in: "snapshots.ticket")
            var found: [String: Snapshot<Ticket>] = [:]
            for try await ticket in tickets.query() { found[ticket.id.key] = ticket }
            #expect(found.count == 24)
            #expect(found["t-9"]?.state.priority == Self.tickets["t-9"]?.priority)
            #expect(found["t-9"]?.version == (try await tickets.load("t-9").version))
        }
    }

    @Test("a snapshot without events that a query cannot read is left out")
    func unreadableOrphan() async throws {
        try await withTickets { tickets in
            try await tickets.store.raw.insert([["_id": "ticket/orphan", "state": "gone"]], into: "snapshots.ticket")
            #expect(try await keys(tickets.query()).count == 24)
        }
    }

    @Test("a query by an indexed field uses its index, and reading an aggregate's events the journal's")
    func indexes() async throws {
        try await withTickets { tickets in
            let raw = tickets.store.raw
            func plan(_ collection: String, _ filter: BSONDocument, hint: String? = nil) async throws -> [String] {
                var find: BSONDocument = ["find": .string(collection), "filter": .document(filter)]
                if let hint { try find.append("hint", .string(hint)) }
                let reply = try await raw.read(["explain": .document(find), "verbosity": "queryPlanner"])
                var stage = reply.value(at: "queryPlanner.winningPlan")
                var stages: [String] = []
                while case .document(let current) = stage {
                    let name = current.string(at: "stage") ?? "?"
                    stages.append(current.string(at: "indexName").map { "\(name) \($0)" } ?? name)
                    stage = current["inputStage"] ?? current["queryPlan"]
                }
                return stages
            }
            let byStatus: Filter<Ticket> = \.status == .open
            #expect(try await plan("snapshots.ticket", byStatus.document()).contains("IXSCAN state.status_1__id_1"))
            let byPriority: Filter<Ticket> = \.priority == 1
            #expect(try await plan("snapshots.ticket", byPriority.document()).contains("COLLSCAN"))
            let events = Journal.events(of: try AggregateID("ticket", key: "t-1"), from: 1)
            #expect(try await plan("journal", events).contains("IXSCAN aggregateId_version"))
            let command: BSONDocument = ["aggregateId": "ticket/t-1", "meta.commandId": "c"]
            // The local server finds by a partial index and explains it only when it is named.
            let commandPlan = try await plan("journal", command, hint: "aggregateId_commandId")
            #expect(commandPlan.contains("IXSCAN aggregateId_commandId"), "\(commandPlan)")
        }
    }

    private func first(_ query: SnapshotQuery<Ticket>) async throws -> Snapshot<Ticket>? {
        var iterator = query.makeAsyncIterator()
        return try await iterator.next()
    }
}
