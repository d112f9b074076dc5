internal import DaybookBSON
internal import DaybookMongo
package import Foundation

/// Where the records of runs are kept: in `daybook.runs`, or in the memory of a test that stops a run at any of its steps.
package protocol RunLog: Sendable {
    /// By the server's clock.
    func now() -> Date

    func insert(_ run: ReconcileRun) async throws

    /// Replaces what changes of a record while `holder` works at it.
    ///
    /// - Returns: False where another process has taken it over.
    func update(_ run: ReconcileRun, heldBy holder: String) async throws -> Bool

    /// The last run of the same kind of work on the same aggregates, whatever became of it.
    func last(like run: ReconcileRun) async throws -> ReconcileRun?

    /// Whether another program than `program`, or one that is not known, has been at work on some of these types since `date`: in a run that
    /// was begun then, or before.
    func hasRun(of types: [String], since date: Date, byOtherThan program: String) async throws -> Bool

    /// The swaps of some of these types that did not come to their end.
    func unfinishedSwaps(of types: [String]) async throws -> [ReconcileRun]
}

/// `daybook.runs` of a store.
package struct StoredRunLog: RunLog {
    let store: DaybookStore

    package init(store: DaybookStore) {
        self.store = store
    }

    private var namespace: Namespace { ReconcileRun.namespace(store.database) }

    package func now() -> Date { store.clock.now() }

    package func insert(_ run: ReconcileRun) async throws {
        let document = try run.document
        try await store.client.withConnection(.single) { try $0.insert([document], into: namespace) }
    }

    package func update(_ run: ReconcileRun, heldBy holder: String) async throws -> Bool {
        let selector: BSONDocument = ["_id": .binary(BSONBinary(run.id)), "holder": .string(holder)]
        let update: BSONDocument = ["$set": .document(try run.progress)]
        return try await store.client.withConnection(.single) { connection in
            try connection.updateOne(selector, with: update, in: namespace).matched > 0
        }
    }

    package func last(like run: ReconcileRun) async throws -> ReconcileRun? {
        let filter: BSONDocument = [
            "kind": .string(run.kind.rawValue), "swap": .bool(run.isSwap), "types": .array(run.types.map { .string($0) }),
            "ids": .array(run.ids.map { .string($0) }),
        ]
        let last = try await store.client.withConnection(.single) { connection in
            try connection.findOne(filter, in: namespace, options: FindOptions(sort: [("_id", -1)])) { BSONDocument($0) }
        }
        return last.flatMap(ReconcileRun.init)
    }

    package func hasRun(of types: [String], since date: Date, byOtherThan program: String) async throws -> Bool {
        let filter: BSONDocument = [
            "types": ["$in": .array(types.map { .string($0) })], "program": ["$ne": .string(program)],
            "updatedAt": ["$gte": .datetime(try BSONDate(date))],
        ]
        return try await store.client.withConnection(.single) { connection in
            try connection.findOne(filter, in: namespace, options: FindOptions(projection: ["_id": 1])) { _ in true } ?? false
        }
    }

    package func unfinishedSwaps(of types: [String]) async throws -> [ReconcileRun] {
        let filter: BSONDocument = [
            "kind": .string(ReconcileRun.Kind.rebuild.rawValue), "swap": true,
            "types": ["$in": .array(types.map { .string($0) })],
            "status": ["$ne": .string(ReconcileRun.Status.done.rawValue)], "reason": ["$ne": .string(ReconcileRun.givenUp)],
        ]
        return try await store.client.withConnection(.single) { connection in
            var runs: [ReconcileRun] = []
            try connection.find(filter, in: namespace, options: FindOptions(sort: [("_id", -1)], limit: 100)) { document in
                if let run = ReconcileRun(BSONDocument(document)) { runs.append(run) }
                return true
            }
            return runs
        }
    }
}
