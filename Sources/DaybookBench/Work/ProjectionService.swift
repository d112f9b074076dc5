internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import DaybookSubscriptions

/// A service that runs ``LoanTotals`` in this process.
actor ProjectionService {
    static let view = "views.loan-totals"
    static let postings = "daybook.postings.loan-totals"

    private let database: BenchDatabase
    private var work: Task<Void, any Error>?

    init(in database: BenchDatabase) {
        self.database = database
    }

    /// Removes what the projection has made, so that it begins with the first event.
    func reset() async throws {
        let store = try store()
        let found = try await store.projections.list().first { $0.name == LoanTotals.name.rawValue }
        if let found, found.state != "new" {
            try await store.projections.drop(LoanTotals.name, reason: .init(by: "bench", why: "it is measured again"))
        }
        try await store.initialize()
        await store.close()
    }

    @discardableResult
    func start() throws -> DaybookStore {
        let store = try store()
        work = Task { try await store.run() }
        return store
    }

    func stop() async {
        work?.cancel()
        _ = await work?.result
        work = nil
    }

    private func store() throws -> DaybookStore {
        try database.store(of: [InlineLoan.self], subscriptions: [.projection(LoanTotals.self)])
    }

    /// Waits until the projection has handled an aggregate up to a version.
    ///
    /// - Throws: ``BenchError`` after a minute without the version's approach.
    func wait(for id: AggregateID, at version: Int64) async throws {
        let namespace = Namespace(database: database.name, collection: Self.postings)
        var count = 0
        var deadline = ContinuousClock.now + .seconds(60)
        while true {
            let isThere = try await database.client.withConnection(.single) {
                try $0.findOne(["_id": .string(id.rawValue), "version": .int64(version)], in: namespace) { _ in true }
            }
            if isThere == true { return }
            if ContinuousClock.now > deadline {
                let now = try await database.client.withConnection(.single) { try $0.count([:], in: namespace) }
                guard now > count else { throw BenchError("the projection does not handle any events") }
                (count, deadline) = (now, .now + .seconds(60))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
