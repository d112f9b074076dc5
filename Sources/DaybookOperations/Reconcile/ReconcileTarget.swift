internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

/// A kind of aggregate that is reconciled, with the program's own code where the program knows it.
struct ReconcileTarget: Sendable {
    var subject: ReconcileSubject
    /// Nil where only envelopes can be looked at.
    var aggregate: (any Aggregate.Type)?

    var stateSchema: Int32? { aggregate?.stateSchema }

    init(_ aggregate: any Aggregate.Type, in database: String) {
        let keepsSnapshots = aggregate.lifecycle != .live
        subject = ReconcileSubject(
            type: aggregate.type, lifecycle: aggregate.lifecycle,
            snapshots: keepsSnapshots ? Namespace(database: database, collection: aggregate.snapshotCollection) : nil,
            expectsSnapshots: keepsSnapshots)
        self.aggregate = aggregate
    }

    /// A type of which only the name is known, with the collection that its snapshots are in unless the application says otherwise.
    init(_ type: AggregateType, snapshots: Namespace?) {
        // Nobody knows whether they are written behind the commits.
        subject = ReconcileSubject(type: type, lifecycle: .async, snapshots: snapshots, expectsSnapshots: snapshots != nil)
    }

    func reconcile(_ reconciliation: Reconciliation, _ index: Int, _ report: ReportBuilder, _ pace: Pace?) async throws {
        guard let aggregate else {
            return try await reconciliation.reconcile(EnvelopeFold.self, subject, index, report, pace)
        }
        // Whether a snapshot may be absent, only the state can tell.
        if case .verify(.quick) = reconciliation.work, !aggregate.mayLoseSnapshot {
            try await quickly(aggregate, reconciliation, index, report, pace)
        } else {
            try await fully(aggregate, reconciliation, index, report, pace)
        }
    }

    private func fully<A: Aggregate>(
        _ aggregate: A.Type, _ reconciliation: Reconciliation, _ index: Int, _ report: ReportBuilder, _ pace: Pace?
    ) async throws {
        try await reconciliation.reconcile(Fold<A>.self, subject, index, report, pace)
    }

    private func quickly<A: Aggregate>(
        _ aggregate: A.Type, _ reconciliation: Reconciliation, _ index: Int, _ report: ReportBuilder, _ pace: Pace?
    ) async throws {
        try await reconciliation.reconcile(HeadFold<A>.self, subject, index, report, pace)
    }

    /// Builds the snapshots beside those in use, and puts them in their place; where none are kept, only looks at the journal.
    func swap(
        _ reconciliation: Reconciliation, _ parts: [Int], _ report: ReportBuilder, _ pace: Pace?, _ lease: MaintenanceLease.Held
    ) async throws {
        guard let aggregate, let live = subject.snapshots else {
            return try await reconciliation.work(at: parts, of: await report.record.run) { index in
                try await reconcile(reconciliation, index, report, pace)
            }
        }
        try await swap(aggregate, live, reconciliation, parts, report, pace, lease)
    }

    private func swap<A: Aggregate>(
        _ aggregate: A.Type, _ live: Namespace, _ reconciliation: Reconciliation, _ parts: [Int], _ report: ReportBuilder,
        _ pace: Pace?, _ lease: MaintenanceLease.Held
    ) async throws {
        let database = MongoSwapDatabase<A>(reconciliation: reconciliation, liveNamespace: live, pace: pace, lease: lease)
        try await SnapshotSwap(database: database, type: A.type, parts: parts, report: report).run()
    }

    func repairStrays(_ strays: [Assessment], for reconciliation: Reconciliation) async throws -> ([Finding], Int) {
        try await reconciliation.repairStrays(strays, EnvelopeFold.self, subject)
    }
}
