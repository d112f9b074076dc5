public import Daybook
internal import Foundation

/// Runs `body` with a store on a database of its own, and drops the database afterwards, also when `body` throws or is
/// cancelled.
///
/// ```swift
/// try await withTemporaryStore(aggregates: [License.self]) { store in
///     try await store.repository(License.self).execute(.create(member: "m-1"), on: "L-1")
/// }
/// ```
///
/// The database is named `test-` and a random UUID, and is prepared for `aggregates`. It remains when the process is
/// killed.
///
/// - Parameters:
///   - uri: A MongoDB connection string; the environment variable `DAYBOOK_URI` if nil. The database in it is not
///     touched.
///   - aggregates: The aggregates that the database is prepared for, as by `initialize`.
///   - configure: Changes the configuration, for example to use a ``SimulatedClock``. The database is always the
///     temporary one.
///   - body: Receives the store, which is closed when it returns.
/// - Throws: ``TestFailure/Code/noServer`` when there is no URI; `DaybookError`; what `body` throws, even when the
///   database could not be dropped afterwards.
public func withTemporaryStore<R: Sendable>(
    uri: String? = nil, aggregates: [any Aggregate.Type],
    configure: (inout DaybookConfiguration) throws -> Void = { _ in },
    fileID: String = #fileID, line: Int = #line, isolation: isolated (any Actor)? = #isolation,
    _ body: (DaybookStore) async throws -> R
) async throws -> R {
    guard let uri = uri ?? ProcessInfo.processInfo.environment["DAYBOOK_URI"], !uri.isEmpty else {
        throw TestFailure(
            .noServer,
            "there is no MongoDB to test with: set DAYBOOK_URI to the connection string of a replica set (it may have "
                + "one node), or pass uri.",
            SourcePlace(fileID: fileID, line: line))
    }
    var configuration = DaybookConfiguration(uri: uri)
    try configure(&configuration)
    configuration.database = "test-\(UUID().uuidString.lowercased())"
    let result: R
    do {
        result = try await withDaybook(configuration, aggregates: aggregates) { store in
            try await store.initialize(aggregates)
            return try await body(store)
        }
    } catch {
        try? await dropDatabase(of: configuration)
        throw error
    }
    try await dropDatabase(of: configuration)
    return result
}

/// Opens connections of its own, because the store is closed by now, and runs in a task of its own, because a cancelled
/// task gets no connection.
private func dropDatabase(of configuration: DaybookConfiguration) async throws {
    try await Task {
        try await withDaybook(configuration) { try await $0.dropTestDatabase() }
    }.value
}
