internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Synchronization

/// Makes the documents of a projection again from the first event: beside those in use, until they take their place at
/// once, or in place.
///
/// The build has postings and a position of its own, so one that was killed is resumed where it was. The change from
/// the old collections to the new ones is noted in the subscription's record before its first step, and each step may
/// be repeated; whichever process finds the record so finishes it.
struct ProjectionBuild: Sendable {
    let store: DaybookStore
    let subscription: Subscription
    let handler: any PostedHandler
    /// Beside the collections in use, or in place.
    let place: SubscriptionStorage.Place
    let holder: String

    /// Nothing newer than this is waited for before the new collections take the place of the old ones: what is missing
    /// is delivered after that.
    private static let freshness: TimeInterval = 2

    var name: SubscriptionName { subscription.name }
    var live: SubscriptionStorage { SubscriptionStorage(name, in: store.database) }
    var storage: SubscriptionStorage { SubscriptionStorage(name, place, in: store.database) }

    init?(
        of subscription: Subscription, in store: DaybookStore, _ place: SubscriptionStorage.Place, holder: String
    ) {
        guard case .posted(let handler) = subscription.handler, handler.indexes != nil else { return nil }
        self.store = store
        self.subscription = subscription
        self.handler = handler
        self.place = place
        self.holder = holder
    }

    /// The name under which a projection's runs are recorded and its maintenance is leased.
    static func subject(_ name: SubscriptionName) -> String { SubscriptionRecord.subject(name.rawValue) }

    // MARK: Building

    /// Makes the documents until they include nearly everything.
    ///
    /// - Parameters:
    ///   - mayResume: Whether an earlier build of the same program is continued; otherwise what it has left is dropped.
    ///   - reached: Called with the number of events that are handled in all, those of the build that is continued
    ///     included, at the beginning and after each batch.
    ///   - body: What is done while the build goes on following the journal, once it has caught up.
    func run<R: Sendable>(
        mayResume: Bool, reached: @escaping @Sendable (Int) async throws -> Void,
        whileFollowing body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        let lease = try await acquire()
        let worker = LeasedWorker(client: store.client, database: store.database)
        return try await worker.run(holding: [lease]) { _ in
            let (progress, positions) = try await store.client.withConnection(.single) {
                try PartitionProgress.claim([0: lease], of: 1, in: storage, on: $0)
            }
            // After the claim, so that an earlier process can write no more.
            let note = await note()
            let isResumed = mayResume ? try await isBegun(note) : false
            if !isResumed { try await reset(progress, note) }
            try await prepare()
            // The postings are written with what they count. The record of a run is not: it may be of a moment before.
            let handled = EventCount(isResumed ? try await totals().events : 0)
            try await reached(handled.value)
            let feed = JournalFeed(
                of: store.tail, from: isResumed ? positions[0] : nil,
                wanting: FeedSelection(types: subscription.types))
            let delivery = PostedDelivery(
                store: store, name: name, handler: handler, storage: storage, progress: progress,
                metrics: DeliveryMetrics(name, store.telemetry))
            let ahead = FeedAhead(feed)
            while try await !step(ahead, delivery, handled, reached) {}
            return try await withThrowingTaskGroup(of: R?.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    while true { _ = try await step(ahead, delivery, handled, reached) }
                }
                group.addTask { try await body() }
                while let result = try await group.next() {
                    if let result { return result }
                }
                throw CancellationError()
            }
        }
    }

    /// Delivers the next events, and returns whether nearly everything is delivered.
    private func step(
        _ feed: FeedAhead, _ delivery: PostedDelivery, _ handled: EventCount,
        _ reached: @Sendable (Int) async throws -> Void
    ) async throws -> Bool {
        guard let batch = try await feed.next() else { return true }
        try await delivery.deliver(batch.events, to: batch.position)
        try await reached(handled.add(batch.events.count))
        guard batch.isFollowing else { return false }
        guard let last = batch.events.last, let time = JournalEntry(last.document).recordedAt else { return true }
        return store.clock.now().timeIntervalSince(time) < Self.freshness
    }

    private func acquire() async throws -> Lease {
        let name = storage.partitionName(0)
        let deadline = ContinuousClock.now + Lease.duration * 2
        while true {
            let lease = try await Patience.around {
                try await store.client.withConnection(.single) {
                    try Lease.acquire(name, holder: holder, in: store.database, on: $0)
                }
            }
            if let lease { return lease }
            guard ContinuousClock.now < deadline else {
                throw DaybookError(.conflict, "another process builds the projection \"\(self.name)\"")
            }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    /// What is noted of this build in the subscription's record. What another program has built is not continued: it
    /// may have made other documents of the same events. Without a program's fingerprint none is.
    private func note() async -> BSONDocument {
        let program = await ProgramFingerprint.read() ?? UUID().uuidString
        return [
            "version": .int32(subscription.version), "program": .string(program), "place": .string("\(place)"),
        ]
    }

    private func isBegun(_ note: BSONDocument) async throws -> Bool {
        let record = try await store.client.withConnection(.single) {
            try SubscriptionRecord.find(name, in: store.database, on: $0)
        }
        return record?.build == note
    }

    /// Drops what an earlier build has left, and the collections in use where they are made again in place. The note is
    /// missing meanwhile: what a process that dies here leaves is not continued, since it has documents without
    /// postings, or postings without documents.
    private func reset(_ progress: PartitionProgress, _ note: BSONDocument) async throws {
        try await store.client.withConnection(.single) { connection in
            try progress.save(nil, on: connection)
            try clear(on: connection)
            _ = try SubscriptionRecord.join(subscription, holder: nil, in: store.database, on: connection)
            try SubscriptionRecord.change(
                name, by: ["$set": ["build": .document(note)]], noting: nil, in: store.database, on: connection)
        }
    }

    /// https://www.mongodb.com/docs/manual/reference/command/drop/
    static func drop(_ namespace: Namespace, on connection: isolated MongoConnection) throws {
        do throws(MongoError) {
            _ = try connection.write(["drop": .string(namespace.collection)], database: namespace.database)
        } catch {
            guard error.serverError == .namespaceNotFound else { throw error }
        }
    }

    private func prepare() async throws {
        let preparation = try DatabasePreparation(
            database: store.database, aggregates: [],
            keeping: [
                .init(storage.view.collection, indexes: handler.indexes ?? []),
                .init(storage.postings.collection),
            ])
        try await store.client.withConnection(.single) { try await preparation.run(on: $0) }
    }

    // MARK: Taking the place

    /// Notes that the collections in use are made again in place, and stops the processes that keep them.
    func beginInPlace() async throws {
        try await change(to: .rebuilding)
    }

    /// Puts what was built into the place of what is in use.
    func finish() async throws {
        if place == .beside { try await change(to: .swapping) }
        try await Self.finish(name, in: store)
    }

    private func change(to state: SubscriptionRecord.State) async throws {
        let record = try await store.client.withConnection(.single) { connection in
            let record = try SubscriptionRecord.join(subscription, holder: nil, in: store.database, on: connection)
            try SubscriptionRecord.change(
                name, by: ["$set": ["state": .string(state.rawValue), "next": .int32(subscription.version)]],
                noting: nil, in: store.database, on: connection)
            return record
        }
        try await Self.fence(name, record, in: store)
    }

    /// Makes every later write of those who keep the collections in use fail, and every later write of an earlier
    /// build.
    private static func fence(
        _ name: SubscriptionName, _ record: SubscriptionRecord, in store: DaybookStore
    ) async throws {
        try await Patience.around {
            try await store.client.withConnection(.single) { connection in
                try PartitionProgress.fence(
                    0..<record.partitions, in: SubscriptionStorage(name, in: store.database), on: connection)
            }
        }
    }

    /// Finishes what was begun: each step may have been done already.
    static func finish(_ name: SubscriptionName, in store: DaybookStore) async throws {
        let live = SubscriptionStorage(name, in: store.database)
        let build = SubscriptionStorage(name, .beside, in: store.database)
        let found = try await store.client.withConnection(.single) {
            try SubscriptionRecord.find(name, in: store.database, on: $0)
        }
        guard let record = found, record.state == .swapping || record.state == .rebuilding else { return }
        let version = record.next ?? record.version
        try await fence(name, record, in: store)
        try await Patience.around {
            try await store.client.withConnection(.single) { connection in
                try PartitionProgress.fence(0..<1, in: build, on: connection)
                guard record.state == .swapping else { return }
                for (source, target) in [(build.view, live.view), (build.postings, live.postings)] {
                    try rename(source, to: target, on: connection)
                }
            }
        }
        try await Patience.around {
            try await store.client.withConnection(.single) {
                try DeadLetter.restore(of: live, in: store.database, on: $0)
            }
        }
        try await closeRuns(of: name, isSwap: record.state == .swapping, in: store)
        try await PostingTransaction(store: store).run { connection in
            // An attempt whose outcome was not known may have done it.
            guard try SubscriptionRecord.find(name, in: store.database, on: connection)?.state == record.state else {
                return
            }
            let position =
                try connection.findOne(
                    ["_id": .string(build.partitionName(0))], in: build.checkpoints
                ) { BSONDocument($0)["position"] } ?? nil
            let update: BSONDocument = position.map { ["$set": ["position": $0]] } ?? ["$unset": ["position": ""]]
            for partition in 0..<record.partitions {
                try connection.updateOne(
                    ["_id": .string(live.partitionName(partition))], with: update, in: live.checkpoints)
            }
            try connection.updateOne(
                ["_id": .string(build.partitionName(0))], with: ["$unset": ["position": ""]], in: build.checkpoints)
            try SubscriptionRecord.change(
                name, if: ["state": .string(record.state.rawValue)],
                by: [
                    "$set": ["state": .string(SubscriptionRecord.State.live.rawValue), "version": .int32(version)],
                    "$unset": ["next": "", "build": ""], "$inc": ["audit": .int64(1)],
                ], noting: nil, in: store.database, on: connection)
        }
    }

    /// https://www.mongodb.com/docs/manual/reference/command/renameCollection/
    private static func rename(
        _ source: Namespace, to target: Namespace, on connection: isolated MongoConnection
    ) throws {
        do throws(MongoError) {
            _ = try connection.write(
                [
                    "renameCollection": .string(source.description), "to": .string(target.description),
                    "dropTarget": true,
                ], database: "admin")
        } catch {
            // An earlier attempt has done it.
            guard error.serverError == .namespaceNotFound else { throw error }
        }
    }

    /// Notes in the records of the runs whose documents take their place now that they are done: this process may go on
    /// with what another has begun, and it may die before it says so itself. What else was begun is of no use any more.
    private static func closeRuns(of name: SubscriptionName, isSwap: Bool, in store: DaybookStore) async throws {
        let log = StoredRunLog(store: store)
        let runs = try await log.unfinished(of: subject(name))
        guard !runs.isEmpty else { return }
        let totals = try await totals(of: SubscriptionStorage(name, in: store.database), in: store)
        do {
            for run in runs where run.kind != .drop {
                switch (run.kind, run.isSwap) {
                case (.patch, _) where isSwap: try await log.end(run, written: totals.documents)
                case (.rebuild, isSwap):
                    try await log.end(
                        run, checked: totals.documents, events: totals.events, written: totals.documents)
                default: try await log.giveUp(run, for: run.holder)
                }
            }
        } catch let error as MongoError where error.code == .unauthorized {
            // The roles of an earlier version do not have it; the documents take their place all the same.
            store.telemetry.logger.warning(
                "the record of a rebuild is left open: this user may not write \(ControlCollection.runs)",
                [.subscription: name, .error: "\(error)"])
        }
    }

    /// Finishes a swap or a drop that another process has begun.
    static func finishBegun(of name: SubscriptionName, in store: DaybookStore) async throws {
        let found = try await store.client.withConnection(.single) {
            try SubscriptionRecord.find(name, in: store.database, on: $0)
        }
        switch found?.state {
        case .swapping: try await finish(name, in: store)
        case .dropping: try await ProjectionDrop(store: store, name: name).finish()
        default: break
        }
    }

    /// Drops what was built.
    func discard() async throws {
        try await Patience.around {
            try await store.client.withConnection(.single) { try clear(on: $0) }
        }
    }

    private func clear(on connection: isolated MongoConnection) throws {
        try SubscriptionRecord.change(
            name, by: ["$unset": ["build": ""]], noting: nil, in: store.database, on: connection)
        try connection.updateOne(
            ["_id": .string(storage.partitionName(0))], with: ["$unset": ["position": ""]], in: storage.checkpoints)
        for namespace in [storage.view, storage.postings] { try Self.drop(namespace, on: connection) }
    }
}

/// How many events were handled, from whichever task.
private final class EventCount: Sendable {
    private let count: Mutex<Int>

    init(_ count: Int) {
        self.count = Mutex(count)
    }

    var value: Int { count.withLock { $0 } }

    func add(_ events: Int) -> Int {
        count.withLock {
            $0 += events
            return $0
        }
    }
}
