internal import Daybook

/// Reads a feed one batch ahead of what handles it.
///
/// The position of a batch is only saved once the batch is handled, so what was read ahead comes again after a crash.
actor FeedAhead {
    private let feed: JournalFeed
    private var reading: Task<JournalFeed.Batch, any Error>
    private var hasEnded = false

    init(_ feed: JournalFeed) {
        self.feed = feed
        reading = Task { try await feed.next() }
    }

    deinit {
        reading.cancel()
    }

    /// The next events; none when nothing came for a while. Nil after ``end()``.
    func next() async throws -> JournalFeed.Batch? {
        let current = reading
        let batch: JournalFeed.Batch
        do {
            batch = try await withTaskCancellationHandler {
                try await current.value
            } onCancel: {
                current.cancel()
            }
        } catch {
            if hasEnded, !Task.isCancelled { return nil }
            throw error
        }
        guard !hasEnded else { return nil }
        let feed = feed
        reading = Task { try await feed.next() }
        return batch
    }

    /// Ends the reading, also where it waits.
    func end() {
        hasEnded = true
        reading.cancel()
    }
}
