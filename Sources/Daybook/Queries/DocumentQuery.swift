internal import DaybookBSON
internal import DaybookMongo

/// A query of the documents of one collection, and what is made of each. Queries, pages and counts of snapshots and of
/// views are all sent here.
struct DocumentQuery<Element: Sendable>: Sendable {
    let kind: DocumentKind
    let client: MongoClient
    let namespace: Namespace
    /// Validates the query, and waits for what it must see. It runs before anything is sent.
    let prepare: @Sendable () async throws -> PreparedQuery
    let decode: @Sendable (BorrowedDocument) throws -> QueriedDocument<Element>
    /// The element for a document that cannot be read; nil to leave it out.
    let resolve: @Sendable (_ id: String?, _ reason: String) async throws -> Element?

    /// The element for a document that was found; nil when it is left out.
    func element(of found: QueriedDocument<Element>) async throws -> Element? {
        switch found {
        case .readable(let element): element
        case .unreadable(let id, let reason): try await resolve(id, reason)
        }
    }

    /// How many documents match; they are counted as they are stored.
    func count() async throws -> Int {
        let prepared = try await prepare()
        return try await client.readingThroughSwaps { connection in
            try connection.count(prepared.filter, in: namespace, reads: prepared.options.reads)
        }
    }

    /// Whether any document matches. It costs as much as finding one.
    func findsAny() async throws -> Bool {
        var prepared = try await prepare()
        prepared.projection = [SnapshotKey.id: 1]
        return try await client.readingThroughSwaps { [prepared] connection in
            try connection.findOne(prepared.filter, in: namespace, options: prepared.options) { _ in true } ?? false
        }
    }

    /// The documents after `key`, as many as the limit, and the key of the next page.
    ///
    /// - Throws: ``DaybookError``; see ``Repository/page(where:sort:limit:after:waitFor:)``.
    func page(after key: PageKey?) async throws -> (items: [Element], next: PageKey?) {
        let prepared = try await prepare()
        guard !prepared.isByArray else {
            throw DaybookError(
                .invalidArgument, "a field that is stored as an array cannot be paged by; sort by another")
        }
        let limit = prepared.limit ?? .max
        var position = try key?.position(of: kind, in: prepared.columns)
        var items: [Element] = []
        while true {
            try Task.checkCancellation()
            let (found, last) = try await find(prepared, after: position, limit: limit - items.count)
            for document in found {
                if let item = try await element(of: document) { items.append(item) }
            }
            guard let last else { return (items, nil) }
            if items.count == limit {
                return (items, try PageKey(last, fingerprint: PageKey.fingerprint(kind, prepared.columns)))
            }
            // Some documents were left out, so read more to fill the page.
            position = last
        }
    }

    /// The documents after `position`, and the position of the last one when there are more.
    private func find(
        _ prepared: PreparedQuery, after position: PagePosition?, limit: Int
    ) async throws -> ([QueriedDocument<Element>], PagePosition?) {
        let filter = prepared.filter(after: position)
        var options = prepared.options
        // One more document shows whether there is another page.
        options.limit = limit < .max ? limit + 1 : limit
        return try await client.readingThroughSwaps { [options] connection in
            var found: [QueriedDocument<Element>] = []
            var last: Result<PagePosition, any Error>?
            var hasMore = false
            try connection.find(filter, in: namespace, options: options) { document in
                guard found.count < limit else {
                    hasMore = true
                    return false
                }
                found.append(try decode(document))
                if found.count == limit {
                    last = Result { try PagePosition(of: document, in: prepared.columns, kind: kind) }
                }
                return true
            }
            return (found, hasMore ? try last?.get() : nil)
        }
    }
}
