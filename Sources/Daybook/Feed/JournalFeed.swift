package import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

/// The journal as a sequence for one reader: every event that was ever committed and every one that will be, each once,
/// in the order of its versions along each aggregate.
///
/// It first scans the journal by `_id`, while the tail notes what becomes visible, and then follows the tail. What
/// makes the seam exact: T0 is a place of the tail before anything is read, and each page of the scan is delivered only
/// after a ``Mark``, written after the page was read, has come back by the tail.
/// - An event of the page that was committed after T0 has come by the tail before the mark. So it was noted, and is left
///   to the tail.
/// - An event of the page that was committed before T0 does not come by the tail, and neither does an earlier event of
///   its aggregate. So none of its aggregate's noted versions is as small, and the scan delivers it.
///
/// So the scan delivers what was committed until T0, and the tail what was committed after. Along an aggregate ids grow
/// with the versions, so the scan has them in order too.
///
/// Where too many events are noted, those that the scan has passed are delivered, the others are forgotten, and T0
/// becomes the tail's present place: the scan has them still before it. So memory does not grow with the journal.
///
/// After a crash it begins at the position that was saved last, and delivers at most what came after that again. Where
/// the server no longer knows the place, it takes a new T0 and scans again, from ten minutes before the old one. What
/// was delivered in those minutes comes again.
///
/// One task uses it at a time.
package actor JournalFeed {
    /// Events that come next, and the position after them.
    package struct Batch: Sendable {
        package let events: [StoredDocument]
        package let position: FeedPosition
        /// Whether the scan is over, so that events come as they are committed.
        package let isFollowing: Bool
        /// When the last of the events was committed; nil for those of a scan.
        package let time: BSONTimestamp?
    }

    /// An event as it is stored, with its place.
    package struct StoredDocument: Sendable {
        package let id: BSONValue
        /// Nil for what no writer of Daybook has put there.
        package let head: JournalHead?
        package let document: BSONDocument
    }

    /// Events that the tail has shown, and the position once the last of them is delivered.
    private struct Due {
        var events: ArraySlice<FeedEvent>
        var after: FeedPosition
    }

    /// What a query has found, up to ``pageBytes``.
    private struct Found: Sendable {
        var documents: [StoredDocument] = []
        var bytes = 0
        /// Whether the query has more.
        var isCut = false
    }

    /// How many events a page or a batch has, at most, and about how many bytes they have.
    private static let pageSize = 1_000
    private static let batchSize = 500
    private static let pageBytes = 16 << 20
    /// How long a mark may take to come back.
    private static let markTimeout = Duration.seconds(30)
    /// How long it waits for more events, once it has one and while it has none.
    private static let linger = Duration.milliseconds(50)
    private static let silence = Duration.milliseconds(500)

    private let tail: JournalTail
    private let selection: FeedSelection
    private var reader: TailReader
    /// What was delivered; nil before there is a T0.
    private var position: FeedPosition?
    /// Where the scan begins once there is a T0; nil for the beginning of the journal.
    private var scanStart: UUID?
    private var noted = NotedEvents()
    /// The page after an id, which is read while the mark of the page before is on its way. What T0 is must not change
    /// after it was read.
    private var ahead: (after: UUID?, page: Task<Found, any Error>)?
    /// What is delivered before anything else.
    private var due: Due?
    /// How often the place was lost since it last followed.
    private var losses = 0

    /// - Parameters:
    ///   - position: Where it continues; nil for the beginning of the journal.
    ///   - selection: The events that it delivers. Its position advances with the others too.
    package init(
        of tail: JournalTail, from position: FeedPosition? = nil, wanting selection: FeedSelection = FeedSelection()
    ) {
        self.tail = tail
        self.selection = selection
        self.position = position
        reader = tail.reader(after: position?.token)
    }

    /// The next events; none when nothing came for a while. After an error that will be over soon, the next call
    /// continues and misses nothing.
    ///
    /// - Throws: ``DaybookError``: `journalGone`; `unavailable` when a mark does not come back. ``MongoError``,
    ///   `CancellationError`
    package func next() async throws -> Batch {
        while true {
            do {
                if let due { return try await deliver(due) }
                guard let position else { return try await begin() }
                switch position.stage {
                case .scanning(let after): return try await scan(after, position)
                case .following: try await gather(after: position)
                }
            } catch let error as JournalPlaceLost {
                guard !error.isGone else { throw error.underlying }
                try await beginAgain(after: error)
            }
        }
    }

    private func batch(_ events: [StoredDocument], at position: FeedPosition, time: BSONTimestamp? = nil) -> Batch {
        self.position = position
        // What answers these events comes after them in the order of ids too.
        for case let id? in events.lazy.map(\.id.uuid) { tail.clock.observe(EventID(id)) }
        let isFollowing = position.stage == .following
        if isFollowing { losses = 0 }
        return Batch(events: events, position: position, isFollowing: isFollowing, time: time)
    }

    // MARK: Beginning

    /// Takes the tail's place after a mark as T0: so the time of T0 is known.
    private func begin() async throws -> Batch {
        do {
            let time = try await awaitMark()
            // What came before the mark was committed before T0, so the scan has it.
            noted = NotedEvents()
            guard let token = await reader.token else { throw CancellationError() }
            return batch([], at: FeedPosition(.scanning(after: scanStart), token: token, time: time))
        } catch {
            // A reader that has shown nothing yet is not opened again, and nothing of it is needed.
            if await reader.token == nil { reader = tail.reader() }
            throw error
        }
    }

    /// Begins a new scan, since the server no longer knows the place.
    private func beginAgain(after error: JournalPlaceLost) async throws {
        if let position {
            scanStart = position.scanStart
            tail.logger.warning(
                "the server no longer knows the place up to which the journal was followed; it is scanned again",
                [.error: "\(error.underlying)"])
        }
        position = nil
        due = nil
        ahead = nil
        noted = NotedEvents()
        reader = tail.reader()
        // A server that loses each place, as with a tiny oplog, is not asked without a pause.
        if losses > 0 { try await Task.sleep(for: .seconds(min(1 << losses, 30))) }
        losses = min(losses + 1, 5)
    }

    // MARK: Scanning

    private func scan(_ after: UUID?, _ start: FeedPosition) async throws -> Batch {
        try await reader.open()
        let page = try await takePage(after)
        let documents = page.documents
        let last = documents.last { $0.id.uuid != nil }?.id.uuid ?? after
        // Longer binary values come after all UUIDs.
        let isLast = documents.last?.id.uuid == nil || (documents.count < Self.pageSize && !page.isCut)
        if !isLast { ahead = (last, Task { try await self.page(last) }) }
        let time = try await awaitMark()
        let events = documents.filter { selection.wants($0.head) && !noted.covers($0.id, $0.head) }
        let present = await reader.token ?? start.token
        if isLast {
            due = Due(events: noted.take()[...], after: FeedPosition(.following, token: present, time: time))
        } else if noted.isFull {
            ahead = nil
            let passed = noted.take { !$0.isAfter(last) }
            let after = FeedPosition(.scanning(after: last), token: present, time: time)
            due = Due(events: passed[...], after: after)
        }
        return batch(events, at: FeedPosition(.scanning(after: last), token: start.token, time: start.time))
    }

    private func takePage(_ after: UUID?) async throws -> Found {
        guard let ahead, ahead.after == after else { return try await page(after) }
        self.ahead = nil
        return try await ahead.page.value
    }

    private func page(_ after: UUID?) async throws -> Found {
        // Only UUIDs: MongoDB compares `$gt` with values of the same type.
        // https://www.mongodb.com/docs/manual/reference/method/db.collection.find/#std-label-type-bracketing
        let least = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        var filter: BSONDocument = [EventKey.id: ["$gt": .binary(BSONBinary(after ?? least))]]
        for (key, value) in selection.condition.fields { try filter.append(key, value) }
        return try await find(filter, FindOptions(sort: [(EventKey.id, 1)], limit: Self.pageSize))
    }

    /// Writes a mark, and notes what comes before it.
    ///
    /// - Returns: When the mark was committed; nil where the server does not say.
    private func awaitMark() async throws -> BSONTimestamp? {
        try await reader.open()
        let mark = try await tail.writeMark()
        let deadline = ContinuousClock.now + Self.markTimeout
        while true {
            switch try await reader.next() {
            case .change(.mark(mark.id, let time), _): return time
            case .change(.event(let event), _): if selection.wants(event.head) { noted.note(event) }
            case .change, .idle:
                guard ContinuousClock.now < deadline else {
                    throw DaybookError(
                        .unavailable,
                        "a mark in the database does not come back by its change stream: no majority of the members can "
                            + "be reached, or the stream does not advance")
                }
            }
        }
    }

    // MARK: Following

    /// Waits for the next events, and makes them due. What is due stays so when the tail fails meanwhile.
    private func gather(after position: FeedPosition) async throws {
        let start = ContinuousClock.now
        while true {
            let element = try await reader.next()
            let count = makeDue(element, after: position)
            guard case .change = element, count < Self.batchSize else { return }
            let hasMore = await reader.readyCount > 0
            guard count == 0 || hasMore, ContinuousClock.now - start < (count == 0 ? Self.silence : Self.linger) else {
                return
            }
        }
    }

    /// Returns how many events are due then.
    private func makeDue(_ element: TailReader.Element, after position: FeedPosition) -> Int {
        var due = self.due ?? Due(events: [], after: position)
        // So that the events are not copied.
        self.due = nil
        var time = due.after.time
        if case .change(let change, _) = element {
            time = change.time ?? time
            if case .event(let event) = change, selection.wants(event.head) { due.events.append(event) }
        }
        due.after = FeedPosition(.following, token: element.token, time: time)
        self.due = due
        return due.events.count
    }

    private func deliver(_ due: Due) async throws -> Batch {
        let (documents, count) = try await read(due.events.prefix(Self.batchSize))
        let delivered = due.events.prefix(count)
        let rest = due.events.dropFirst(count)
        self.due = rest.isEmpty ? nil : Due(events: rest, after: due.after)
        // Until the last of them is delivered, the position stays: after a crash they come again.
        let position = rest.isEmpty ? due.after : position ?? due.after
        return batch(documents, at: position, time: delivered.last?.clusterTime)
    }

    // MARK: Bodies

    /// The documents of the first of `events`, in the tail's order, and of how many events they are. One that was
    /// removed by hand meanwhile is left out.
    ///
    /// The tail shows an event once a majority has it. Right after an election the new primary may not know that yet,
    /// and does not return the event: so what is missing is read again for two seconds.
    private func read(_ events: ArraySlice<FeedEvent>) async throws -> (documents: [StoredDocument], count: Int) {
        var found: [BSONValue: StoredDocument] = [:]
        let deadline = ContinuousClock.now + .seconds(2)
        var backoff = Backoff()
        while true {
            let missing = events.filter { found[$0.id] == nil }
            guard !missing.isEmpty else { break }
            let part = try await find([EventKey.id: ["$in": .array(missing.map(\.id))]], FindOptions())
            for document in part.documents { found[document.id] = document }
            guard !part.isCut else {
                let first = events.prefix { found[$0.id] != nil }
                return first.isEmpty
                    ? try await read(events.prefix(1)) : (first.compactMap { found[$0.id] }, first.count)
            }
            guard part.documents.count < missing.count, ContinuousClock.now < deadline else { break }
            try Task.checkCancellation()
            await backoff.wait()
        }
        return (events.compactMap { found[$0.id] }, events.count)
    }

    private func find(_ filter: BSONDocument, _ options: FindOptions) async throws -> Found {
        try await tail.client.withConnection(.single) { connection in
            var found = Found()
            try connection.find(filter, in: tail.journal.namespace, options: options) { document in
                let document = try StoredDocument(document)
                found.documents.append(document)
                found.bytes += document.document.bytes.count
                found.isCut = found.bytes >= Self.pageBytes
                return !found.isCut
            }
            return found
        }
    }
}

extension JournalFeed.StoredDocument {
    init(_ document: BorrowedDocument) throws {
        id = try document.first(EventKey.id)?.value() ?? .null
        head = JournalHead(document)
        self.document = BSONDocument(document)
    }
}

extension BSONValue {
    /// The id of a writer of Daybook; nil for another value.
    fileprivate var uuid: UUID? {
        guard case .binary(let binary) = self else { return nil }
        return binary.uuid
    }
}

extension FeedEvent {
    /// Whether a scan that has come to `id` has this event still before it. MongoDB compares UUIDs by their bytes.
    fileprivate func isAfter(_ other: UUID?) -> Bool {
        guard let other, let id = id.uuid else { return false }
        return EventID(other) < EventID(id)
    }
}
