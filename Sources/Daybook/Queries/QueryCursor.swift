internal import DaybookBSON
internal import DaybookMongo

/// Iterates over what a selection finds. It decodes the snapshots that can be read, and folds the others from the
/// journal.
struct QueryCursor<A: Aggregate, Element: Sendable> {
    let selection: SnapshotSelection<A>
    let projection: BSONDocument?
    let decode: @Sendable (BorrowedDocument) throws -> QueriedSnapshot<Element>
    let refold: @Sendable (Snapshot<A>) throws -> Element
    private var documents: CursorSequence<QueriedSnapshot<Element>>.Iterator?
    private var prepared: SnapshotSelection<A>.Prepared?
    /// The position of the last document before a cursor ended early.
    private var position: PagePosition?
    /// How many documents the server has returned, and how many cursors in a row were killed since then.
    private var given = 0, failures = 0
    /// Whether a matching snapshot was left out, because its aggregate has no events.
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
            while true {
                do {
                    if let found = try await nextDocument() {
                        given += 1
                        failures = 0
                        if let element = try await selection.repository.resolve(found, refold: refold) {
                            return element
                        }
                        hasLeftOut = true
                        continue
                    }
                    return nil
                } catch let error as MongoError where error.isKilledCursor && failures < 5 {
                    failures += 1
                    try await goOn(after: error)
                }
            }
        } catch {
            throw DaybookError.enriching(error, operation: "query", aggregateID: nil)
        }
    }

    private mutating func nextDocument() async throws -> QueriedSnapshot<Element>? {
        if documents == nil { documents = try await open() }
        return try await documents?.next()
    }

    /// Opens a new cursor after the last document that was returned, because a collection was swapped and the old
    /// cursor was killed.
    ///
    /// - Throws: `error` when the order has no position to continue after.
    private mutating func goOn(after error: MongoError) async throws {
        let prepared = try await prepare()
        if let last = documents?.last {
            guard !selection.sort.contains(where: \.isOfArrays) else { throw error }
            var stored: BSONDocument? = last
            // A projected document may not have the fields that it is sorted by, so read the whole snapshot.
            if projection != nil, prepared.columns.count > 1 { stored = try await snapshot(last["_id"] ?? .null) }
            guard let stored else { throw error }
            position = try stored.withBorrowed { try PagePosition(of: $0, in: prepared.columns) }
        }
        documents = try await open()
    }

    private func snapshot(_ id: BSONValue) async throws -> BSONDocument? {
        let repository = selection.repository
        return try await repository.store.client.withConnection(.single) { connection in
            try connection.findOne(["_id": id], in: repository.snapshots) { BSONDocument($0) }
        }
    }

    private mutating func prepare() async throws -> SnapshotSelection<A>.Prepared {
        if let prepared { return prepared }
        let prepared = try await selection.prepare()
        self.prepared = prepared
        return prepared
    }

    private mutating func open() async throws -> CursorSequence<QueriedSnapshot<Element>>.Iterator {
        let prepared = try await prepare()
        var options = prepared.options
        options.projection = projection
        if let limit = options.limit {
            // The server closes a cursor with its last document, so a killed cursor had more to return. A limit of 0
            // would mean no limit.
            options.limit = max(1, limit - given)
        }
        let repository = selection.repository
        let filter = prepared.filter(after: position)
        return repository.store.client.find(filter, in: repository.snapshots, options: options, decode: decode)
            .makeAsyncIterator()
    }
}
