package import DaybookMongo
internal import DaybookBSON

/// The journal's events from a place on, as they become visible to a majority.
///
/// Open it before you read what it is to continue: then no event falls in between, and a ``FeedOverlap`` says which of
/// the events that come were read already.
///
/// It shows where an event is, and not what the event holds: a change is larger than its document, and the server ends
/// a stream with a change of more than 16 MiB, so an event of nearly that size could not be shown whole.
/// https://www.mongodb.com/docs/manual/administration/change-streams-production-recommendations/
package actor JournalFeed {
    /// An event, or that none came for a while; each with the token that continues after it.
    package typealias Element = ChangeStream<FeedEvent>.Element

    private let client: MongoClient
    private let journal: Journal
    private let types: [AggregateType]
    private var stream: ChangeStream<FeedEvent>.Iterator?
    /// Whether the stream was opened with a token.
    private var isResumed = false
    /// Where it continues: after the last element. Nil for a new feed before its first element.
    package private(set) var token: ResumeToken?

    /// - Parameters:
    ///   - types: Whose events; those of all aggregates when it is empty.
    ///   - token: The place; nil for the time at which it is opened.
    package init(
        of journal: Journal, on client: MongoClient, types: [AggregateType] = [], after token: ResumeToken? = nil
    ) {
        self.client = client
        self.journal = journal
        self.types = types
        self.token = token
    }

    /// Opens it now; otherwise the first ``next()`` does.
    ///
    /// - Throws: ``JournalPlaceLost``, ``MongoError``
    package func open() async throws {
        guard stream == nil else { return }
        let opened = changes.makeAsyncIterator()
        do {
            try await opened.open()
        } catch let error as MongoError where error.losesPlace(isResumed: token != nil) {
            throw JournalPlaceLost(underlying: error)
        }
        stream = opened
        isResumed = token != nil
    }

    /// The next element. After an error that will be over soon, the next call opens the feed again and misses nothing.
    ///
    /// - Throws: ``JournalPlaceLost``, ``MongoError``, `CancellationError`
    package func next() async throws -> Element {
        try await open()
        do {
            guard let element = try await stream?.next() else { throw CancellationError() }
            token = element.token
            return element
        } catch let error as MongoError {
            // One that has shown no token yet cannot be opened again without a gap: it throws the same error again.
            if token != nil { stream = nil }
            if error.losesPlace(isResumed: isResumed) { throw JournalPlaceLost(underlying: error) }
            throw error
        }
    }

    private var changes: ChangeStream<FeedEvent> {
        var inserts: BSONDocument = ["operationType": "insert"]
        // Fails only for a key with NUL, or at 2 GiB.
        for (key, value) in Journal.condition(on: EventKey.changedAggregateIDPath, ofTypes: types).fields {
            try? inserts.append(key, value)
        }
        return client.changes(
            of: journal.namespace, matching: inserts,
            showing: ["documentKey", EventKey.changedAggregateIDPath, EventKey.changedVersionPath, "clusterTime"],
            resumeAfter: token, decode: FeedEvent.init)
    }
}
