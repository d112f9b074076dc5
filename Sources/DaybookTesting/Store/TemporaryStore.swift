public import Daybook
internal import Foundation

/// Runs `body` with a store on a database of its own, and drops the database afterwards, also when `body` throws or is cancelled.
///
/// ```swift
/// try await withTemporaryStore(aggregates: [License.self]) { store in
///     try await store.repository(License.self).execute(.create(member: "m-1"), on: "L-1")
/// }
/// ```
///
/// The database is named `test-` and a random UUID, and is prepared for `aggregates`. When the process is killed, it stays.
///
/// - Parameters:
///   - uri: A MongoDB connection string; the value of the environment variable `DAYBOOK_URI` unless set. The database it names is not touched.
///   - aggregates: What the database is prepared for, as by `initialize`.
///   - configure: Changes the configuration, as by a ``SimulatedClock``. Whatever it does, the database is the temporary one.
///   - body: What to do with the store, which is closed when it returns.
/// - Throws: ``TestFailure/Code/noServer`` when no URI is given; `DaybookError`; what `body` throws, also when the database could not
///   be dropped behind it.
public func withTemporaryStore<R: Sendable>(
    uri: String? = nil, aggregates: [any Aggregate.Type], configure: (inout DaybookConfiguration) throws -> Void = { _ in },
    fileID: String = #fileID, line: Int = #line, isolation: isolated (any Actor)? = #isolation,
    _ body: (DaybookStore) async throws -> R
) async throws -> R {
    guard let uri = uri ?? ProcessInfo.processInfo.environment["DAYBOOK_URI"], !uri.isEmpty else {
        throw TestFailure(
            .noServer,
            "there is no MongoDB to test with: set DAYBOOK_URI to the connection string of a replica set (it may have one node), or pass uri.",
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

/// With connections of its own, because the store is closed by now, and in a task of its own, because a cancelled one gets no connection.
private func dropDatabase(of configuration: DaybookConfiguration) async throws {
    try await Task {
        try await withDaybook(configuration) { try await $0.dropTestDatabase() }
    }.value
}
