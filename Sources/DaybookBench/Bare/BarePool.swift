internal import CBareDriver
internal import DaybookBSON
internal import Foundation

/// Connections of libmongoc without Daybook.
///
/// `@unchecked Sendable`: `mongoc_client_pool_t` may be used from any thread.
final class BarePool: @unchecked Sendable {
    private let pool: OpaquePointer

    /// - Throws: ``BenchError`` for a URI that libmongoc refuses.
    init(uri: String, connections: Int) throws {
        var failure = bare_failure()
        guard let pool = bare_pool_new(uri, UInt32(connections), &failure) else { throw BenchError(failure) }
        self.pool = pool
    }

    deinit { bare_pool_destroy(pool) }

    /// Does the operations of `script`, and records how long each took.
    func run(_ script: BareScript, in database: String, _ latencies: Latencies) async throws -> Int {
        try await block { pool in
            let times = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: max(script.operationCount, 1))
            times.initialize(repeating: 0)
            defer { times.deallocate() }
            var failure = bare_failure()
            let done = script.withParts { parts in
                bare_run(
                    pool, database, parts.steps, parts.operationEnds, parts.threadEnds, parts.threadCount,
                    times.baseAddress,
                    &failure)
            }
            guard done else { throw BenchError(failure) }
            latencies.record(times.prefix(script.operationCount))
            return script.operationCount
        }
    }

    /// Inserts and replaces in bulk; one operation is one inserted document, or one replaced document where nothing is
    /// inserted.
    func run(_ bulk: BareBulk, in database: String, _ latencies: Latencies? = nil) async throws -> Int {
        try await block { pool in
            let times = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: max(bulk.insertCount, 1))
            times.initialize(repeating: 0)
            defer { times.deallocate() }
            var failure = bare_failure()
            let done = withBytes(bulk.inserts) { inserts in
                withBytes(bulk.selectors) { selectors in
                    withBytes(bulk.replacements) { replacements in
                        bare_bulk(
                            pool, database, bulk.collection, inserts, bulk.insertsPerCommand, bulk.threads,
                            bulk.replacedCollection,
                            selectors, replacements, bulk.replacesPerCommand, times.baseAddress, &failure)
                    }
                }
            }
            guard done else { throw BenchError(failure) }
            latencies?.record(times.prefix(bulk.insertCount))
            return max(bulk.insertCount, bulk.insertCount == 0 ? bulk.replaceCount : 0)
        }
    }

    /// Visits every field of every document that matches.
    func scan(
        _ collection: String, in database: String, filter: BSONDocument = [:], options: BSONDocument
    ) async throws -> Int {
        try await block { pool in
            var count: UInt64 = 0
            var failure = bare_failure()
            let done = withBytes(filter.bytes) { filter in
                withBytes(options.bytes) { bare_scan(pool, database, collection, filter, $0, &count, &failure) }
            }
            guard done else { throw BenchError(failure) }
            return Int(count)
        }
    }

    func command(_ command: BSONDocument, in database: String) async throws {
        try await block { pool in
            var failure = bare_failure()
            guard withBytes(command.bytes, { bare_command(pool, database, $0, &failure) }) else {
                throw BenchError(failure)
            }
        }
    }

    /// Calls of libmongoc block, so they get a thread of their own.
    private func block<R: Sendable>(_ body: @escaping @Sendable (OpaquePointer) throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body(self.pool) }) }
        }
    }
}

/// Inserts in bulk, and replacements beside them.
struct BareBulk: Sendable {
    var collection = "journal"
    /// Documents, one after the other.
    var inserts: [UInt8] = []
    var insertCount = 0
    var insertsPerCommand = 1
    /// Those that insert; one more replaces.
    var threads = 1
    var replacedCollection = ""
    var selectors: [UInt8] = []
    var replacements: [UInt8] = []
    var replaceCount = 0
    var replacesPerCommand = 1

    mutating func insert(_ document: BSONDocument) {
        inserts += document.bytes
        insertCount += 1
    }

    mutating func replace(_ selector: BSONDocument, by replacement: BSONDocument) {
        selectors += selector.bytes
        replacements += replacement.bytes
        replaceCount += 1
    }
}

private func withBytes<R>(_ bytes: [UInt8], _ body: (bare_bytes) -> R) -> R {
    bytes.withUnsafeBufferPointer { body(bare_bytes(data: $0.baseAddress, length: $0.count)) }
}

extension BenchError {
    init(_ failure: bare_failure) {
        self.init(
            "bare " + withUnsafeBytes(of: failure.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
}
