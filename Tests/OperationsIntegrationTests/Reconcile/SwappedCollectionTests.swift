@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite(.serialized) struct SwappedCollectionTests {
    struct Row: Decodable, Sendable {
        var entries: Int
    }

    /// Swaps the collection of snapshots for one with the same documents, as a rebuild does.
    private func swap(_ store: DaybookStore) async throws {
        let documents = try await store.raw.documents(in: "snapshots.account")
        try await store.raw.insert(documents, into: "snapshots.account.rebuild")
        _ = try await store.raw.write(
            [
                "renameCollection": .string("\(store.database).snapshots.account.rebuild"),
                "to": .string("\(store.database).snapshots.account"), "dropTarget": true,
            ], database: "admin")
    }

    @Test(
        "a query whose collection is swapped under it goes on behind what it gave: nothing twice, nothing left out",
        arguments: [[], [Sort<Account>.descending(\.balance)], [.ascending(\.entries)]])
    func query(sort: [Sort<Account>]) async throws {
        try await ReconcileFixture.withStore { store in
            let count = 700
            try await ReconcileFixture.seed(Account.self, count: count, in: store)
            let accounts = store.repository(Account.self)
            let expected = try await accounts.query(sort: sort).reduce(into: []) { $0.append($1.id) }
            #expect(expected.count == count)
            var found: [AggregateID] = []
            for try await account in accounts.query(sort: sort) {
                found.append(account.id)
                if found.count == 50 || found.count == 350 { try await swap(store) }
            }
            #expect(found == expected)

            found = []
            for try await account in accounts.query(sort: sort, limit: 600) {
                found.append(account.id)
                if found.count == 120 { try await swap(store) }
            }
            #expect(found == Array(expected.prefix(600)))

            found = []
            for try await row in accounts.query(Row.self, of: [\.entries], sort: sort) {
                found.append(row.id)
                if found.count == 120 { try await swap(store) }
            }
            #expect(found == expected)
        }
    }

    @Test(
        "a query whose cursor the server ends goes on behind what it gave: nothing twice, nothing left out",
        arguments: [43, 175, 237] as [Int32])
    func killedCursor(code: Int32) async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 300, in: store)
            let expected = try await store.repository(Account.self).query().reduce(into: []) { $0.append($1.id) }
            try await ReconcileFixture.withWatched(on: store, for: [Account.self]) { watched, proxy in
                proxy.fail("getMore", .error(code))
                let found = try await watched.repository(Account.self).query().reduce(into: []) { $0.append($1.id) }
                #expect(found == expected)
                #expect(proxy.count("getMore") > 0 && proxy.count("find") == 2)
            }
        }
    }
}
