@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// The other half of what a server may not look at: everything that the library sends, on the wire, is within the
/// application's role.
@Suite("The role of the application")
struct ApplicationRoleTests {
    /// What MongoDB asks for a command: https://www.mongodb.com/docs/manual/reference/privilege-actions/
    private enum Need {
        /// A handshake, or the end of something that was allowed.
        case nothing
        case database([RoleDefinition.Action])
        case collection(String, [RoleDefinition.Action])
        /// Not known here, so not shown to be allowed.
        case unknown
    }

    private static func need(of exchange: FaultProxy.Exchange) -> Need {
        let collection =
            exchange.request.string(at: exchange.command) ?? exchange.request.string(at: "collection") ?? ""
        switch exchange.command {
        case "hello", "isMaster", "ismaster", "ping", "saslStart", "saslContinue", "endSessions", "commitTransaction",
            "abortTransaction":
            return .nothing
        case "getMore": return .nothing
        case "killCursors": return .collection(collection, [.killCursors])
        case "listCollections": return .database([.listCollections])
        case "listIndexes": return .collection(collection, [.listIndexes])
        case "find": return .collection(collection, [.find])
        case "aggregate":
            let stages = exchange.request.documents(at: "pipeline").flatMap { $0.fields.map(\.key) }
            guard !stages.contains(where: ["$out", "$merge", "$lookup", "$unionWith", "$graphLookup"].contains) else {
                return .unknown
            }
            guard exchange.request.string(at: "aggregate") != nil else { return .database([.find, .changeStream]) }
            return .collection(collection, stages.contains("$changeStream") ? [.find, .changeStream] : [.find])
        case "insert": return .collection(collection, [.insert])
        // Whether it upserts is in a part of the message that is not looked at.
        case "update": return .collection(collection, [.update, .insert])
        case "delete": return .collection(collection, [.remove])
        default: return .unknown
        }
    }

    @Test(
        "the application's role covers every command that a store sends: reads, commits, races, repairs, queries, change streams",
        .timeLimit(.minutes(1)))
    func coverage() async throws {
        try await withRawDatabase { database in
            try await database.prepare(for: testAggregates)
            let proxy = try FaultProxy(to: try ServerAddress(TestServer.uri).port)
            defer { proxy.close() }
            var address = try ServerAddress(try await database.uri(as: .application))
            address.host = "127.0.0.1:\(proxy.port)"
            address.options.removeAll { $0.lowercased().hasPrefix("replicaset=") }
            address.options.append("directConnection=true")
            try await withDaybook(DaybookConfiguration(uri: address.uri, database: database.name)) { store in
                try await use(store, database)
                let role = try #require(try store.roles(for: testAggregates).first { $0.name == .application })
                let hello = try await database.read(["hello": 1], database: "admin")
                let hasBulkWrite = try #require(hello.integer(at: "maxWireVersion")) >= 25
                try expect(role, toCover: proxy.exchanges, of: database.name, hasBulkWrite: hasBulkWrite)
            }
        }
    }

    private func expect(
        _ role: RoleDefinition, toCover exchanges: [FaultProxy.Exchange], of database: String, hasBulkWrite: Bool
    ) throws {
        var seen: Set<String> = []
        for exchange in exchanges {
            if exchange.command == "bulkWrite" {
                for (command, namespace) in exchange.bulkWrites {
                    let parts = namespace.split(separator: ".", maxSplits: 1).map(String.init)
                    #expect(parts.first == database)
                    let name = parts.last ?? ""
                    seen.insert("bulkWrite \(command) \(name)")
                    let action: RoleDefinition.Action = command == "insert" ? .insert : .update
                    #expect(
                        ["insert", "update"].contains(command) && role.allows(action, on: name), "\(command) on \(name)"
                    )
                }
                continue
            }
            let need = Self.need(of: exchange)
            if case .nothing = need { continue }
            #expect(exchange.request.string(at: "$db") == database, "\(exchange.command)")
            switch need {
            case .nothing: continue
            case .unknown: Issue.record("\(exchange.command) is not known to be allowed: \(exchange.request)")
            case .database(let actions):
                seen.insert("\(exchange.command) database")
                let allowed = role.privileges.first { $0.collection == nil }?.actions ?? []
                #expect(allowed.isSuperset(of: actions), "\(exchange.command)")
            case .collection(let name, let actions):
                seen.insert("\(exchange.command) \(name)")
                for action in actions { #expect(role.allows(action, on: name), "\(exchange.command) on \(name)") }
            }
        }
        // It went by here: a proxy that saw nothing would have nothing to object to.
        var expected: Set<String> = [
            "listIndexes journal", "find journal", "insert journal", "aggregate database", "insert daybook.marks",
            "find snapshots.account", "insert snapshots.account", "update snapshots.account",
            "delete snapshots.account", "find snapshots.ticket",
        ]
        // Servers before 8.0 do not have it.
        if hasBulkWrite {
            expected.formUnion([
                "bulkWrite insert journal", "bulkWrite insert snapshots.account", "bulkWrite update snapshots.account",
            ])
        }
        #expect(seen.isSuperset(of: expected), "not seen: \(expected.subtracting(seen))")
        #expect(
            seen.isDisjoint(with: [
                "update journal", "delete journal", "findAndModify journal", "bulkWrite update journal",
            ]))
    }

    private func use(_ store: DaybookStore, _ database: RawDatabase) async throws {
        let (accounts, tickets) = (store.repository(Account.self), store.repository(Ticket.self))
        try await store.initialize(testAggregates)
        try await accounts.execute(.depositEach([1, 2, 3]), on: "a", commandID: "c")
        try await accounts.execute(.depositEach([1, 2, 3]), on: "a", commandID: "c")
        try await accounts.append([.deposited(amount: 4)], to: "a", expecting: 3)
        try await tickets.execute(.change(.init(.open, priority: 1)), on: "t")
        try await store.repository(Tally.self).execute(.deposit(1), on: "t")
        await store.poster.drain()
        try await store.transaction { transaction in
            _ = try await transaction.guard("a", of: Account.self)
            _ = try await transaction.guard("nobody", of: Account.self)
            try await transaction.execute(.deposit(1), on: "b", of: Account.self)
        }
        // Rivals, and the drift of a snapshot that somebody deleted or damaged.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...4 { group.addTask { try await accounts.execute(.deposit(1), on: "a") } }
            try await group.waitForAll()
        }
        try await database.delete(["_id": "account/a"], from: "snapshots.account")
        try await accounts.execute(.deposit(1), on: "a")
        try await database.update(["_id": "account/a"], with: ["$set": ["state.balance": 7]], in: "snapshots.account")
        try await accounts.execute(.deposit(1), on: "a")
        #expect(try await accounts.load("a").state.balance == 16)
        #expect(try await accounts.load("a", at: .version(2)).state.balance == 3)
        var count = 0
        for try await _ in try accounts.history("a") { count += 1 }
        for try await _ in accounts.query(where: \.balance > 0) { count += 1 }
        for try await _ in tickets.query(sort: [], limit: 1) { count += 1 }
        #expect(count == 13)
        let feed = JournalFeed(of: store.tail)
        while try await !feed.next().isFollowing {}
    }
}

extension FaultProxy.Exchange {
    /// The writes of a `bulkWrite`: of which kind, and to which namespace.
    fileprivate var bulkWrites: [(command: String, namespace: String)] {
        let namespaces = request.documents(at: "nsInfo").map { $0.string(at: "ns") ?? "" }
        return request.documents(at: "ops").map { operation in
            let command = operation.fields.first?.key ?? ""
            return (command, namespaces[Int(operation.integer(at: command) ?? 0)])
        }
    }
}
