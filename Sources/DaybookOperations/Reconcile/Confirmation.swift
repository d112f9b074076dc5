internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// The second look at what one pass has found: beside live traffic a pass sees journal and snapshot at different times.
struct Confirmation<F: AggregateFold>: Sendable {
    /// How long a writer has for a snapshot that it writes behind its commit.
    private static var patience: Duration { .seconds(3) }
    /// A commit that is older has had its time.
    private static var fresh: TimeInterval { 30 }

    let store: DaybookStore
    let subject: ReconcileSubject
    let needsSnapshots: Bool
    private let coding = F.makeCoding(looksAtEveryState: true)

    /// How a second look reads.
    ///
    /// A commit over two shards becomes visible on one before the other: a majority read sees a snapshot without its event, or the event without
    /// its snapshot, for as long as that takes. A read with snapshot concern waits until all of the commit is visible, where the first look has
    /// seen any of it, since its time is not before the router's:
    /// https://www.mongodb.com/docs/manual/core/transactions-production-consideration/#outside-reads-during-commit
    static func reads(of client: MongoClient) -> FindOptions.Reads { client.isSharded ? .onPrimary(.snapshot) : .deciding }

    private var reads: FindOptions.Reads { Self.reads(of: store.client) }

    /// Those of `suspects` with which something is wrong, as they are now.
    ///
    /// A missing, stale, outdated or diverged snapshot is one if it still stands there as it was seen: the journal only grows, and what it had
    /// then it has now. Everything else is read anew, snapshot first: the journal has at least what a snapshot has that was read before it.
    func confirm(_ suspects: [Assessment]) async throws -> [Assessment] {
        var (confirmed, waiting): ([Assessment], [Assessment]) = ([], [])
        for (suspect, isUnchanged) in zip(suspects, try await areUnchanged(suspects)) {
            switch suspect.kind {
            case nil: break
            case .missing where isUnchanged && mayBeUnderWay(suspect), .stale where isUnchanged && mayBeUnderWay(suspect):
                waiting.append(suspect)
            case .missing where isUnchanged, .stale where isUnchanged, .outdated where isUnchanged, .diverged where isUnchanged:
                confirmed.append(suspect)
            default:
                if let found = try await reassess(suspect) { confirmed.append(found) }
            }
        }
        let found = confirmed + (try await wait(for: waiting))
        return try await SecondFold<F>(store: store, subject: subject, needsSnapshots: needsSnapshots).settle(found) {
            $0.kind == .diverged && $0.hasSkippedStates
        }
    }

    /// Those whose snapshots do not come while one waits.
    private func wait(for suspects: [Assessment]) async throws -> [Assessment] {
        var (waiting, confirmed) = (suspects, [Assessment]())
        let end = ContinuousClock.now + Self.patience
        while !waiting.isEmpty, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(100))
            var still: [Assessment] = []
            for (suspect, isUnchanged) in zip(waiting, try await areUnchanged(waiting)) {
                if isUnchanged {
                    still.append(suspect)
                } else if let found = try await reassess(suspect) {
                    confirmed.append(found)
                }
            }
            waiting = still
        }
        return confirmed + waiting
    }

    private func mayBeUnderWay(_ suspect: Assessment) -> Bool {
        guard subject.lifecycle == .async else { return false }
        guard let recordedAt = suspect.recordedAt else { return true }
        return store.clock.now().timeIntervalSince(recordedAt.date) < Self.fresh
    }

    /// Whether the snapshot of each still is what was read of it.
    private func areUnchanged(_ suspects: [Assessment]) async throws -> [Bool] {
        guard let snapshots = subject.snapshots, !suspects.isEmpty else { return suspects.map { _ in false } }
        let ids = suspects.map { BSONValue.string($0.text) }
        let found = try await store.client.withConnection(.single) { connection in
            var found: [[UInt8]: BSONDocument] = [:]
            try connection.find(["_id": ["$in": .array(ids)]], in: snapshots, options: FindOptions(reads: reads)) { document in
                if let id = try? document.first("_id")?.stringBytes() { found[Array(id)] = BSONDocument(document) }
                return true
            }
            return found
        }
        return suspects.map { found[$0.id] == $0.stored?.document }
    }

    /// What is wrong with one aggregate, by reading it alone until two looks agree; nil when nothing is.
    func reassess(_ suspect: Assessment) async throws -> Assessment? {
        var head = suspect.kind == .ahead || suspect.kind == .orphan ? nil : suspect.journalVersion
        var last: Assessment?
        var backoff = Backoff()
        let end = ContinuousClock.now + (mayBeUnderWay(suspect) ? Self.patience : .zero)
        while true {
            let found = try await store.client.withConnection(.single) { try look(suspect.id, on: $0) }
            guard let kind = found.kind else { return nil }
            // Behind the journal by commits that came since the first look: it keeps up.
            if kind == .stale, let head, let version = found.stored?.version, version >= head { return nil }
            if let last, last.kind == kind, last.stored == found.stored, ContinuousClock.now >= end { return found }
            head = head ?? found.journalVersion
            last = found
            await backoff.wait()
            try Task.checkCancellation()
        }
    }

    private func look(_ id: [UInt8], on connection: isolated MongoConnection) throws -> Assessment {
        let text = String(decoding: id, as: UTF8.self)
        var snapshot: BSONDocument?
        if let snapshots = subject.snapshots {
            snapshot = try connection.findOne(["_id": .string(text)], in: snapshots, options: FindOptions(reads: reads)) {
                BSONDocument($0)
            }
        }
        let check = AggregateCheck<F>(
            id, snapshot: snapshot, expecting: subject.expectsSnapshots ? .snapshot : .nothing, coding)
        let options = FindOptions(sort: Journal.inVersionOrder, projection: F.projection, reads: reads)
        let events: BSONDocument = [EventKey.aggregateID: .string(text)]
        try connection.find(events, in: store.journal.namespace, options: options) { document in
            check.take(document, at: EventPlace(document)?.version)
            return true
        }
        return check.assess(needsSnapshot: needsSnapshots)
    }
}
