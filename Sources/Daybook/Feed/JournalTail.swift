internal import DaybookBSON
package import DaybookMongo
internal import Foundation
internal import Logging

/// The live end of the journal: one change stream for a process and database, whose changes every reader sees.
///
/// The stream is open while there are readers. Each reader has a ``TailQueue``, so a slow one delays no other.
///
/// While no majority of the members can be reached, a change stream is silent and does not fail. So the tail writes a
/// mark every ten seconds, and ``markAge`` says for how long one is missing.
package actor JournalTail {
    let client: MongoClient
    let journal: Journal
    let clock: ServerClock
    let logger: Logger
    private let pulse: Duration
    /// The open stream; nil while there is none.
    private var stream: JournalStream?
    private var queues: [TailQueue] = []
    /// Its own marks that have not come back, in the order in which they were written.
    private var missing: [(mark: Mark, since: ContinuousClock.Instant)] = []
    /// How many of those it remembers: the oldest, and the last ones.
    private static let missingLimit = 100

    /// - Parameters:
    ///   - clock: The clock of the store's ids, which the events that are read advance.
    ///   - pulse: How often it writes a mark of its own while there are readers.
    init(
        of journal: Journal, on client: MongoClient, clock: ServerClock, logger: Logger,
        pulse: Duration = .seconds(10)
    ) {
        self.client = client
        self.journal = journal
        self.clock = clock
        self.logger = logger
        self.pulse = pulse
    }

    /// A reader of what becomes visible after `token`; of what becomes visible from its opening on when nil.
    ///
    /// - Parameter types: Whose events it is shown; those of all aggregates when it is empty.
    package nonisolated func reader(types: [AggregateType] = [], after token: ResumeToken? = nil) -> TailReader {
        TailReader(of: self, types: types, after: token)
    }

    /// For how long the oldest of the tail's own marks has not come back by the shared stream, also where it could not
    /// be written; nil while none is missing, and while there are no readers.
    package var markAge: Duration? { missing.first.map { .now - $0.since } }

    /// Writes a mark, which every reader sees: after it, what was committed before this call has been shown.
    package nonisolated func writeMark() async throws -> Mark {
        let mark = Mark()
        try await write(mark)
        return mark
    }

    private nonisolated func write(_ mark: Mark) async throws {
        try await client.withConnection(.single) { try mark.write(in: journal.namespace.database, on: $0) }
    }

    /// A queue of what the shared stream shows from now on; nil while it is not open.
    func join() -> TailQueue? {
        guard stream != nil else { return nil }
        let queue = TailQueue()
        queues.append(queue)
        return queue
    }

    /// Makes a reader's stream the shared one, unless there is one already; then nil is returned.
    func adopt(_ opened: JournalStream) -> TailQueue? {
        guard stream == nil else { return nil }
        stream = opened
        let queue = TailQueue()
        queues = [queue]
        Task { await show(opened) }
        return queue
    }

    /// Shows what comes to all readers, until the last is gone or the stream cannot continue.
    private func show(_ stream: JournalStream) async {
        let pulse = Task { await writeMarks() }
        defer {
            pulse.cancel()
            missing = []
        }
        var backoff = Backoff()
        while !queues.isEmpty {
            do {
                let element = try await stream.next()
                if case .change(.mark(let id, _), _) = element { found(id) }
                queues.removeAll { !$0.push(element) }
                backoff = Backoff()
            } catch let error as MongoError where error.code != .closed {
                // Without a token it cannot be opened again: what came meanwhile would be missed.
                guard await stream.token != nil else { return end(error) }
                for queue in queues { queue.fail(error, isFinal: false) }
                logger.warning("following the journal failed, and starts again", [.error: "\(error)"])
                await backoff.wait()
            } catch {
                return end(error)
            }
        }
        self.stream = nil
    }

    private func writeMarks() async {
        while (try? await Task.sleep(for: pulse)) != nil {
            let mark = Mark()
            if missing.count >= Self.missingLimit { missing.remove(at: 1) }
            missing.append((mark, .now))
            // One that cannot be written does not come back either.
            try? await write(mark)
        }
    }

    /// A mark has come, and with it all that was committed before it was written.
    private func found(_ id: UUID) {
        guard let index = missing.firstIndex(where: { $0.mark.id == id }) else { return }
        missing.removeFirst(index + 1)
    }

    private func end(_ error: any Error) {
        for queue in queues { queue.fail(error, isFinal: true) }
        queues = []
        stream = nil
    }
}
