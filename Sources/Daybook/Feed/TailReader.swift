package import DaybookMongo

/// One reader of the journal's ``JournalTail``, from a place on.
///
/// Open it before you read what it is to continue: then no event falls in between, and a ``FeedOverlap`` says which of
/// the events that come were read already.
package actor TailReader {
    /// An event or a mark, or that none came for a while; each with the token that continues after it.
    package typealias Element = ChangeStream<JournalChange>.Element

    private enum Source {
        /// A stream of its own, until it has caught up with the shared one.
        case own(JournalStream)
        /// The shared one.
        case shared(TailQueue)
    }

    /// The way from a stream of its own to the shared one: both show the mark, and what is before it in the shared one
    /// was shown by the own one.
    private struct Crossing {
        let mark: Mark
        let queue: TailQueue
    }

    /// How long a reader is not told its place while only events of other types come.
    private static let silence = Duration.milliseconds(500)

    private let tail: JournalTail
    private let types: Set<AggregateType>
    private var source: Source?
    private var crossing: Crossing?
    /// Of the shared stream, everything up to this mark was shown already.
    private var shownUntil: Mark?
    private var taken: ArraySlice<Element> = []
    /// Where it continues: after the last element. Nil for a new reader before its first element.
    package private(set) var token: ResumeToken?
    /// What it ended with before it had a token.
    private var failure: (any Error)?

    init(of tail: JournalTail, types: [AggregateType], after token: ResumeToken?) {
        self.tail = tail
        self.types = Set(types)
        self.token = token
    }

    deinit {
        if case .shared(let queue) = source { queue.abandon() }
        crossing?.queue.abandon()
    }

    /// Opens it now; otherwise the first ``next()`` does.
    ///
    /// - Throws: ``JournalPlaceLost``, ``MongoError``
    package func open() async throws {
        if let failure { throw failure }
        guard source == nil else { return }
        if token == nil, let queue = await tail.join() {
            source = .shared(queue)
            return
        }
        let stream = JournalStream(of: tail.journal, on: tail.client, after: token)
        try await stream.open()
        source = .own(stream)
        // A new one is at the end of the journal already.
        if token == nil, let queue = await tail.adopt(stream) { source = .shared(queue) }
    }

    /// The next element. After an error that will be over soon, the next call goes on and misses nothing.
    ///
    /// That it is idle says nothing of what was committed before the call: the shared stream may have been idle before.
    /// Only a ``Mark`` says that.
    ///
    /// - Throws: ``JournalPlaceLost``, ``MongoError``, `CancellationError`
    package func next() async throws -> Element {
        let start = ContinuousClock.now
        while true {
            let element = try await advance()
            token = element.token
            switch element {
            case .change(.event(let event), _)
            where types.isEmpty || event.head.map { types.contains($0.id.type) } == true:
                return element
            case .change(.mark, _), .idle: return element
            case .change:
                guard ContinuousClock.now - start < Self.silence else { return .idle(element.token) }
            }
        }
    }

    /// How many elements have come that can be had without waiting.
    package var readyCount: Int { taken.count }

    private func advance() async throws -> Element {
        while true {
            if let element = taken.popFirst() {
                guard let mark = shownUntil else { return element }
                if case .change(.mark(mark.id, _), _) = element { shownUntil = nil }
                // This reader's place is further on than that of the shared stream.
                if case .idle = element, let token { return .idle(token) }
                continue
            }
            try await open()
            switch source {
            case .own(let stream): return try await advance(stream)
            case .shared(let queue):
                do {
                    if let elements = try await queue.take() {
                        taken = elements[...]
                        continue
                    }
                    // It fell too far behind, and reads on by itself.
                    source = nil
                    shownUntil = nil
                } catch let error as MongoError where token != nil {
                    if queue.hasEnded {
                        source = nil
                        shownUntil = nil
                    }
                    throw error
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    queue.abandon()
                    source = nil
                    shownUntil = nil
                    if token == nil { failure = error }
                    throw error
                }
            case nil: continue
            }
        }
    }

    private func advance(_ stream: JournalStream) async throws -> Element {
        let element = try await stream.next()
        switch element {
        case .change(.mark(let id, _), _) where id == crossing?.mark.id:
            // What the shared stream shows before the mark, this one has shown.
            if let crossing {
                source = .shared(crossing.queue)
                shownUntil = crossing.mark
            }
            crossing = nil
        case .idle where crossing == nil: try await cross(from: stream)
        default: break
        }
        return element
    }

    /// Goes over to the shared stream, or makes this one the shared one.
    private func cross(from stream: JournalStream) async throws {
        if let queue = await tail.adopt(stream) {
            source = .shared(queue)
        } else if let queue = await tail.join() {
            // Until the mark is written, nothing shows where the two meet; the next time it is tried again.
            guard let mark = try? await tail.writeMark() else { return queue.abandon() }
            crossing = Crossing(mark: mark, queue: queue)
        }
    }
}
