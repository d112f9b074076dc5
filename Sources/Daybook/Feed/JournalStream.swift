internal import DaybookMongo

/// One change stream of the journal, from a place on.
///
/// ``JournalTail`` shares one among all readers of a process. A reader that begins at an earlier place has one of its
/// own until it has caught up.
actor JournalStream {
    /// A change, or that none came for a while; each with the token that continues after it.
    typealias Element = ChangeStream<JournalChange>.Element

    private let client: MongoClient
    private let journal: Journal
    private var stream: ChangeStream<JournalChange>.Iterator?
    /// Whether the stream was opened with a token.
    private var isResumed = false
    /// Where it continues: after the last element. Nil for a new stream before its first element.
    private(set) var token: ResumeToken?

    /// - Parameter token: The place; nil for the time at which it is opened.
    init(of journal: Journal, on client: MongoClient, after token: ResumeToken? = nil) {
        self.client = client
        self.journal = journal
        self.token = token
    }

    /// Opens it now; otherwise the first ``next()`` does.
    ///
    /// - Throws: ``JournalPlaceLost``, ``MongoError``
    func open() async throws {
        guard stream == nil else { return }
        let opened = client.changes(
            of: journal.namespace.database, matching: JournalChange.filter, showing: JournalChange.fields,
            resumeAfter: token, decode: JournalChange.init
        ).makeAsyncIterator()
        do {
            try await opened.open()
        } catch let error as MongoError where error.losesPlace(isResumed: token != nil) {
            throw JournalPlaceLost(underlying: error)
        }
        stream = opened
        isResumed = token != nil
    }

    /// The next element. After an error that will be over soon, the next call opens the stream again and misses
    /// nothing.
    ///
    /// - Throws: ``JournalPlaceLost``, ``MongoError``, `CancellationError`
    func next() async throws -> Element {
        try await open()
        do {
            guard let element = try await stream?.next() else { throw CancellationError() }
            token = element.token
            return element
        } catch let error as DaybookError where error.code == .journalGone {
            stream = nil
            throw JournalPlaceLost(isGone: true, underlying: error)
        } catch let error as MongoError {
            // One that has shown no token yet cannot be opened again without a gap: it throws the same error again.
            if token != nil { stream = nil }
            if error.losesPlace(isResumed: isResumed) { throw JournalPlaceLost(underlying: error) }
            throw error
        }
    }
}
