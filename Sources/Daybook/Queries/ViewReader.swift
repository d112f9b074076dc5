public import DaybookBSON
package import DaybookMongo

/// The documents of a view, to find by key and to query by their declared fields.
///
/// A query reads according to the URI's read preference. A document is returned as it is stored. One that cannot be
/// decoded is an error, and not left out: ``DaybookError/Code/unreadableDocument`` names the view and the key.
///
/// ```swift
/// for try await balance in balances.query(where: \.cents < 0, sort: [.ascending(\.owner)]) {
///     print(balance.key, balance.document.cents)
/// }
/// ```
public struct ViewReader<Document: Queryable>: Sendable {
    /// The view's name.
    public let name: String
    package let store: DaybookStore
    private let namespace: Namespace
    // Shared by all queries: it caches what it learns about the document's type.
    private let decoder = BSONDecoder()

    /// - Parameters:
    ///   - namespace: The collection that has the view's documents.
    ///   - name: The view's name, for errors and page keys.
    package init(store: DaybookStore, namespace: Namespace, name: String) {
        self.store = store
        self.namespace = namespace
        self.name = name
    }

    /// The document with this key; nil when there is none.
    ///
    /// - Throws: ``DaybookError``
    public func find(_ key: String) async throws -> ViewDocument<Document>? {
        try await store.telemetry.perform("find") {
            let documents = documents(Selection(filter: .raw([ViewKey.id: .string(key)])))
            let prepared = try await documents.prepare()
            let found = try await store.client.readingThroughSwaps { connection in
                try connection.findOne(
                    prepared.filter, in: namespace, options: prepared.options, decode: documents.decode)
            }
            guard let found else { return nil }
            return try await documents.element(of: found)
        }
    }

    /// The documents that match `filter`, in the given order, the key last.
    ///
    /// No server is queried before the iteration starts.
    public func query(where filter: Filter<Document>? = nil, sort: [Sort<Document>] = [], limit: Int? = nil)
        -> ViewQuery<Document>
    {
        ViewQuery(documents: documents(Selection(filter: filter, sort: sort, limit: limit)))
    }

    /// The documents that match a MongoDB filter on the stored document, such as `["state.owner": "Ann"]`. To write
    /// one, import `DaybookBSON` too. It is sent to the server as it is: never build one from untrusted input.
    public func query(matching filter: BSONDocument, sort: [Sort<Document>] = [], limit: Int? = nil)
        -> ViewQuery<Document>
    {
        query(where: .raw(filter), sort: sort, limit: limit)
    }

    /// The first document that matches `filter` in the given order, the key last; nil when there is none.
    ///
    /// - Throws: ``DaybookError``
    public func first(where filter: Filter<Document>? = nil, sort: [Sort<Document>] = []) async throws
        -> ViewDocument<Document>?
    {
        var iterator = query(where: filter, sort: sort, limit: 1).makeAsyncIterator()
        return try await iterator.next()
    }

    /// How many documents match `filter`. The server counts without returning them.
    ///
    /// - Throws: ``DaybookError``
    public func count(where filter: Filter<Document>? = nil) async throws -> Int {
        try await store.telemetry.perform("count") { try await documents(Selection(filter: filter)).count() }
    }

    /// How many documents match a MongoDB filter. The filter may use every operator that `$match` allows in an
    /// aggregation.
    ///
    /// - Throws: ``DaybookError``
    public func count(matching filter: BSONDocument) async throws -> Int {
        try await count(where: .raw(filter))
    }

    /// Whether any document matches `filter`. It costs as much as finding one.
    ///
    /// - Throws: ``DaybookError``
    public func contains(where filter: Filter<Document>) async throws -> Bool {
        try await store.telemetry.perform("contains") { try await documents(Selection(filter: filter)).findsAny() }
    }

    /// One page of the documents that match `filter`, in the given order, the key last.
    ///
    /// Page after page, a caller sees every document that does not change in the meantime exactly once, whatever else
    /// is written; see ``Repository/page(where:sort:limit:after:waitFor:)``. Pages cannot be sorted by a field that is
    /// stored as an array.
    ///
    /// - Parameters:
    ///   - limit: The most documents on the page, at least 1. They are all held in memory.
    ///   - key: Where the previous page ended; nil for the first page.
    /// - Throws: ``DaybookError``; `invalidArgument` when `key` belongs to another view or sort, `tooLarge` when the
    ///   values in the sort's fields are too long for a key.
    public func page(
        where filter: Filter<Document>? = nil, sort: [Sort<Document>] = [], limit: Int = 50, after key: PageKey? = nil
    ) async throws -> ViewPage<Document> {
        try await store.telemetry.perform("page") {
            let selection = Selection(filter: filter, sort: sort, limit: limit)
            let (items, next) = try await documents(selection).page(after: key)
            return ViewPage(items: items, next: next)
        }
    }

    /// One page of the documents that match a MongoDB filter on the stored document; otherwise as
    /// ``page(where:sort:limit:after:)``.
    public func page(
        matching filter: BSONDocument, sort: [Sort<Document>] = [], limit: Int = 50, after key: PageKey? = nil
    ) async throws -> ViewPage<Document> {
        try await page(where: .raw(filter), sort: sort, limit: limit, after: key)
    }

    private func documents(_ selection: Selection<Document>) -> DocumentQuery<ViewDocument<Document>> {
        let kind = DocumentKind.view(name)
        let decoder = decoder
        return DocumentQuery(
            kind: kind, client: store.client, namespace: namespace, prepare: { try selection.prepare() },
            decode: { try QueriedDocument($0, decoder) },
            resolve: { id, reason in throw kind.error(.unreadableDocument, reason, id: id) })
    }
}
