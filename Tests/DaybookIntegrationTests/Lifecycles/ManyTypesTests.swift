@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

/// A number as a type, so that one definition makes many kinds of aggregates.
private protocol Number { static var value: Int { get } }

private enum First: Number { static var value: Int { 1 } }

private enum Next<Before: Number>: Number { static var value: Int { Before.value + 1 } }

/// One of many kinds of aggregate whose snapshots follow their commits.
private enum Cabinet<N: Number>: BookKind {
    static var type: AggregateType { AggregateType(rawValue: "cabinet\(N.value)")! }
    static var lifecycle: Lifecycle { .async }

    static func kinds(_ count: Int) -> [any Ledger.Type] {
        count == 0 ? [] : [Book<Self>.self] + Cabinet<Next<N>>.kinds(count - 1)
    }
}

@Suite("A store with many kinds of aggregates", .timeLimit(.minutes(3)))
struct ManyTypesTests {
    private func deposit<A: Ledger>(_ aggregate: A.Type, in store: DaybookStore) async throws {
        try await store.repository(A.self).execute(.deposit(A.type.rawValue.count), on: "a")
    }

    @Test("a store with many kinds of aggregates projects all of them, and 20 follow the journal at a time")
    func twenty() async throws {
        let kinds = Cabinet<First>.kinds(20)
        try await withTestStore(for: kinds) { store in
            let writer = try DaybookStore(store.configuration)
            for kind in kinds { try await deposit(kind, in: writer) }
            await writer.close()
            for kind in kinds {
                let deleted: BSONDocument = ["q": [:], "limit": 0]
                _ = try await store.raw.write([
                    "delete": .string(kind.snapshotCollection), "deletes": [.document(deleted)],
                ])
            }
            let runner = try DaybookStore(store.configuration, aggregates: kinds)
            let run = Task { try await runner.run() }
            for kind in kinds {
                try await eventually("the snapshot of \(kind.type) is back", within: .seconds(60)) {
                    try await !store.raw.documents(in: kind.snapshotCollection).isEmpty
                }
                #expect(try await !store.raw.documents(in: kind.snapshotCollection).isEmpty, "\(kind.type)")
            }
            run.cancel()
            try await run.value
        }
    }
}
