internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// The second look at what one pass has found: beside live traffic a pass sees journal and snapshot at different times.
struct Confirmation: Sendable {
    /// How long a writer has for a snapshot that it writes after its commit.
    private static let patience = Duration.seconds(3)
    /// A commit that is older has had its time.
    private static let fresh: TimeInterval = 30
    /// After that an aggregate is reported as the last look found it, though its snapshot changes from look to look.
    private static let limit = Duration.seconds(10)

    let store: DaybookStore
    let checker: Checker

    private var target: ReconcileTarget { checker.target }

    /// How a second look reads.
    ///
    /// A commit over two shards becomes visible on one before the other: a majority read sees a snapshot without its
    /// event, or the event without its snapshot, for as long as that takes. A read with snapshot concern waits until
    /// all of the commit is visible, where the first look has seen any of it, since its time is not before the
    /// router's:
    /// https://www.mongodb.com/docs/manual/core/transactions-production-consideration/#outside-reads-during-commit
    private var reads: FindOptions.Reads { store.client.isSharded ? .onPrimary(.snapshot) : .deciding }

    /// Those of `suspects` with which something is wrong, as they are now.
    ///
    /// A missing, stale, outdated or diverged snapshot is one if it is still stored as it was seen: the journal only
    /// grows, and what it had then it has now. Everything else is read anew, snapshot first: the journal has at least
    /// what a snapshot has that was read before it.
    func confirm(_ suspects: [Suspect]) async throws -> [Suspect] {
        var confirmed: [Suspect] = []
        var waiting: [Suspect] = []
        for (suspect, isUnchanged) in zip(suspects, try await areUnchanged(suspects)) {
            switch suspect.kind {
            case .missing where isUnchanged && mayBeUnderWay(suspect),
                .stale where isUnchanged && mayBeUnderWay(suspect):
                waiting.append(suspect)
            case .missing where isUnchanged, .stale where isUnchanged, .outdated where isUnchanged,
                .diverged where isUnchanged:
                confirmed.append(suspect)
            default:
                if let found = try await reassess(suspect) { confirmed.append(found) }
            }
        }
        confirmed += try await wait(for: waiting)
        return try await foldAgain(confirmed) { $0.kind == .diverged && $0.hasSkippedStates }
    }

    /// Those whose snapshots do not come within the time that a writer has.
    private func wait(for suspects: [Suspect]) async throws -> [Suspect] {
        var waiting = suspects
        var confirmed: [Suspect] = []
        let end = ContinuousClock.now + Self.patience
        while !waiting.isEmpty, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(100))
            var still: [Suspect] = []
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

    private func mayBeUnderWay(_ suspect: Suspect) -> Bool {
        guard target.lifecycle == .async else { return false }
        guard let recordedAt = suspect.recordedAt else { return true }
        return store.clock.now().timeIntervalSince(recordedAt.date) < Self.fresh
    }

    /// Whether the snapshot of each still is what was read of it.
    private func areUnchanged(_ suspects: [Suspect]) async throws -> [Bool] {
        guard let snapshots = target.snapshots, !suspects.isEmpty else { return suspects.map { _ in false } }
        let filter: BSONDocument = [SnapshotKey.id: ["$in": .texts(suspects.map(\.text))]]
        let found = try await store.client.withConnection(.single) { connection in
            var found: [[UInt8]: BSONDocument] = [:]
            try connection.find(filter, in: snapshots, options: FindOptions(reads: reads)) { document in
                if let id = try? document.first(SnapshotKey.id)?.stringBytes() {
                    found[Array(id)] = BSONDocument(document)
                }
                return true
            }
            return found
        }
        return suspects.map { found[$0.id] == $0.stored?.document }
    }

    /// What is wrong with one aggregate, by reading it alone until two looks agree; nil when nothing is.
    func reassess(_ suspect: Suspect) async throws -> Suspect? {
        guard !suspect.id.isEmpty else { return try await reassess(stray: suspect) }
        var head = suspect.kind == .ahead || suspect.kind == .orphan ? nil : suspect.journalVersion
        var last: Suspect?
        var backoff = Backoff()
        let end = ContinuousClock.now + (mayBeUnderWay(suspect) ? Self.patience : .zero)
        while true {
            guard let found = try await store.client.withConnection(.single, { try assess(suspect, on: $0) }) else {
                return nil
            }
            // It lags by commits that came since the first look: it keeps up.
            if found.kind == .stale, let head, let version = found.stored?.version, version >= head { return nil }
            let now = ContinuousClock.now
            if now >= end, last.map({ $0.isConfirmed(by: found) }) == true || now >= end + Self.limit { return found }
            head = head ?? found.journalVersion
            last = found
            await backoff.wait()
            try Task.checkCancellation()
        }
    }

    /// The document, if it is still stored: it has no aggregate that could make it right.
    private func reassess(stray: Suspect) async throws -> Suspect? {
        guard let snapshots = target.snapshots, let id = stray.stored?.document[SnapshotKey.id] else { return nil }
        let reads = reads
        return try await store.client.withConnection(.single) { connection in
            try connection.findOne([SnapshotKey.id: ["$eq": id]], in: snapshots, options: FindOptions(reads: reads)) {
                Suspect(stray: FoundSnapshot(BSONDocument($0)))
            }
        }
    }

    private func assess(_ suspect: Suspect, on connection: isolated MongoConnection) throws -> Suspect? {
        var snapshot: BSONDocument?
        if let snapshots = target.snapshots {
            let id: BSONDocument = [SnapshotKey.id: .string(suspect.text)]
            snapshot = try connection.findOne(id, in: snapshots, options: FindOptions(reads: reads)) {
                BSONDocument($0)
            }
        }
        let check = AggregateCheck(suspect.id, snapshot: snapshot, by: checker, looksAtEveryState: true)
        let options = FindOptions(sort: Journal.inVersionOrder, projection: checker.projection, reads: reads)
        let events: BSONDocument = [EventKey.aggregateID: .string(suspect.text)]
        try connection.find(events, in: store.journal.namespace, options: options) { document in
            check.add(document, at: EventPlace(document)?.version)
            return true
        }
        return check.assess()
    }

    // MARK: Folding again

    /// What `suspects` are to an exact fold, where that of `isDoubtful` may not have been one: it has looked at a
    /// sample of the states on the way for dates that `apply` computes, see ``ComputedDates``. Those with which nothing
    /// is wrong are left out. Each is compared with the snapshot that was read of it.
    func foldAgain(_ suspects: [Suspect], where isDoubtful: (Suspect) -> Bool) async throws -> [Suspect] {
        let doubtful = suspects.filter(isDoubtful)
        guard !doubtful.isEmpty else { return suspects }
        let checks = try await check(doubtful)
        return suspects.compactMap { suspect in
            guard isDoubtful(suspect), let check = checks[suspect.id] else { return suspect }
            if let found = check.suspect { return found }
            // What other commits have changed since is not what the suspicion was about.
            return check.version == suspect.journalVersion ? nil : suspect
        }
    }

    private func check(_ suspects: [Suspect]) async throws -> [[UInt8]: (suspect: Suspect?, version: Int64)] {
        let snapshots = suspects.compactMap { suspect in suspect.stored.map { (suspect.id, $0.document) } }
        let stored = Dictionary(snapshots) { first, _ in first }
        let filter: BSONDocument = [EventKey.aggregateID: ["$in": .texts(suspects.map(\.text))]]
        let options = FindOptions(sort: Journal.inAggregateOrder, projection: checker.projection)
        return try await store.client.withConnection(.single) { connection in
            var found: [[UInt8]: (suspect: Suspect?, version: Int64)] = [:]
            var current: AggregateCheck?
            func finish() {
                if let current { found[current.id] = (current.assess(), current.version) }
            }
            try connection.find(filter, in: store.journal.namespace, options: options) { document in
                guard let place = EventPlace(document) else { return true }
                let id = Array(place.aggregateID)
                if current?.id != id {
                    finish()
                    current = AggregateCheck(id, snapshot: stored[id], by: checker, looksAtEveryState: true)
                }
                current?.add(document, at: place.version)
                return true
            }
            finish()
            return found
        }
    }
}
