import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

@Suite("A projection that is dropped", .serialized, .timeLimit(.minutes(5)))
struct ProjectionDropTests {
    private static let collection = "views.arrivals"

    @Test("is gone; a process that runs it makes it again with its indexes and each event once")
    func again() async throws {
        try await withArrivals { store in
            try await store.deposit(200, on: 20)
            try await runUntilPosted(store)
            let documents = try await store.arrivals().count
            try await asOperator(of: store) { admin in
                #expect(try await admin.projections.drop(Arrivals.name, reason: tester, isDryRun: true) == documents)
                #expect(try await admin.projections.list().map(\.documents) == [documents])
                #expect(try await admin.projections.drop(Arrivals.name, reason: tester) == documents)
                // The program has it, the database does not.
                #expect(try await admin.projections.list().map(\.state) == ["new"])
                #expect(try await store.raw.documents(in: "daybook.subscriptions") == [])
                #expect(try await indexes(store) == [])
                await #expect(throws: DaybookError.self) {
                    try await admin.projections.drop(Arrivals.name, reason: tester)
                }
                // A comparison with nothing makes no record.
                await #expect(throws: DaybookError.self) { try await admin.projections.verify() }
                #expect(try await store.raw.documents(in: "daybook.subscriptions") == [])
                let run = try #require(try await admin.runs().first)
                #expect(run.kind == .drop && run.status == .done && run.checked == documents)
                #expect(run.by == "ada" && run.why == "support case 7")
            }
            try await runUntilPosted(store)
            try await store.expectExactArrivals()
            #expect(try await indexes(store).contains("state.count"))
            #expect(try await store.projections.list().map(\.state) == ["live"])
        }
    }

    @Test("is made again with its indexes though its record was made before, by a pause or by a process of its")
    func recordAnew() async throws {
        try await withArrivals { store in
            try await store.deposit(20, on: 20)
            try await runUntilPosted(store)
            try await asOperator(of: store) {
                _ = try await $0.projections.drop(Arrivals.name, reason: tester)
            }
            try await store.subscriptions.pause(Arrivals.name, tester)
            #expect(try await store.projections.list().map(\.state) == ["new"])
            try await running(store) { _ in
                try await Task.sleep(for: .seconds(1))
                #expect(try await store.arrivals().isEmpty)
            }
            try await store.subscriptions.resume(Arrivals.name, tester)
            try await runUntilPosted(store)
            try await store.expectExactArrivals()
            #expect(try await indexes(store).contains("state.count"))
        }
    }

    @Test("is refused while a process runs it, and nothing is removed")
    func refused() async throws {
        try await withArrivals { store in
            try await store.deposit(20, on: 20)
            try await running(store) { _ in
                #expect(try await store.isPosted())
                try await asOperator(of: store) { admin in
                    let error = await #expect(throws: DaybookError.self) {
                        try await admin.projections.drop(Arrivals.name, reason: tester)
                    }
                    #expect(error?.code == .conflict)
                }
            }
            try await store.expectExactArrivals()
            #expect(try await store.runs().isEmpty)
        }
    }

    @Test(
        "by a process that died on its way is dropped by the next process, which makes it again", arguments: [0, 1, 2])
    func halfDropped(drops: Int) async throws {
        try await withArrivals { store in
            try await store.deposit(200, on: 20)
            try await runUntilPosted(store)
            try await ProjectionDrop(store: store, name: Arrivals.name).begin()
            for collection in [Self.collection, "daybook.postings.arrivals"].prefix(drops) {
                _ = try await store.raw.write(["drop": .string(collection)])
            }
            #expect(try await store.projections.list().map(\.state) == ["dropping"])
            try await runUntilPosted(store)
            try await store.expectExactArrivals()
            #expect(try await indexes(store).contains("state.count"))
        }
    }

    @Test("leaves no rebuild open that could go on")
    func runs() async throws {
        try await withArrivals { store in
            try await store.deposit(20, on: 20)
            try await runUntilPosted(store)
            try await beginRun(of: store)
            try await asOperator(of: store) { admin in
                try await admin.projections.drop(Arrivals.name, reason: tester)
                _ = try await admin.projections.rebuild(swap: true, reason: tester)
                #expect(try await admin.runs().map(\.status) == [.done, .done, .failed])
            }
            try await store.expectExactArrivals()
            #expect(try await indexes(store).contains("state.count"))
        }
    }

    /// The fields of the view's indexes.
    private func indexes(_ store: DaybookStore) async throws -> Set<String> {
        let view = store.raw.namespace(Self.collection)
        return Set(
            try await store.raw.client.withConnection(.single) { try $0.indexes(of: view) }.compactMap {
                $0["key"]?.document?.fields.first?.key
            })
    }
}
