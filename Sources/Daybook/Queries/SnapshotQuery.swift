internal import DaybookBSON
internal import DaybookMongo

/// A query of snapshots; each iteration asks anew, and reads in batches as it goes on.
///
/// A snapshot that matches but cannot be read, or has another `stateSchema` than the declared one, is folded anew from the journal, with a
/// warning; one without events is left out. What was folded anew is what the journal has now, whether or not that still matches.
public struct SnapshotQuery<A: Aggregate>: AsyncSequence, Sendable {
    let selection: SnapshotSelection<A>

    /// Starts a new query.
    public func makeAsyncIterator() -> Iterator {
        Iterator(
            cursor: QueryCursor(selection: selection, projection: nil, decode: { try QueriedSnapshot($0) }, refold: { $0 }))
    }

    /// Reads the snapshots one after the other.
    public struct Iterator: AsyncIteratorProtocol {
        var cursor: QueryCursor<A, Snapshot<A>>

        /// - Throws: ``DaybookError``
        public mutating func next() async throws -> Snapshot<A>? {
            try await cursor.next()
        }
    }
}

/// Goes through what a selection finds, reading what can be read and folding anew what cannot.
struct QueryCursor<A: Aggregate, Element: Sendable> {
    let selection: SnapshotSelection<A>
    let projection: BSONDocument?
    let decode: @Sendable (BorrowedDocument) throws -> QueriedSnapshot<Element>
    let refold: @Sendable (Snapshot<A>) throws -> Element
    private var documents: CursorSequence<QueriedSnapshot<Element>>.Iterator?
    /// Whether a snapshot matched of which nothing was given out.
    private(set) var hasLeftOut = false

    init(
        selection: SnapshotSelection<A>, projection: BSONDocument?,
        decode: @escaping @Sendable (BorrowedDocument) throws -> QueriedSnapshot<Element>,
        refold: @escaping @Sendable (Snapshot<A>) throws -> Element
    ) {
        self.selection = selection
        self.projection = projection
        self.decode = decode
        self.refold = refold
    }

    mutating func next() async throws -> Element? {
        do {
            var documents: CursorSequence<QueriedSnapshot<Element>>.Iterator
            if let opened = self.documents { documents = opened } else { documents = try await open() }
            defer { self.documents = documents }
            while let found = try await documents.next() {
                if let element = try await selection.repository.resolve(found, refold: refold) { return element }
                hasLeftOut = true
            }
            return nil
        } catch {
            throw DaybookError.enriching(error, operation: "query", aggregateID: nil)
        }
    }

    private func open() async throws -> CursorSequence<QueriedSnapshot<Element>>.Iterator {
        let prepared = try await selection.prepare()
        var options = prepared.options
        options.projection = projection
        let repository = selection.repository
        return repository.store.client.find(prepared.filter, in: repository.snapshots, options: options, decode: decode)
            .makeAsyncIterator()
    }
}
