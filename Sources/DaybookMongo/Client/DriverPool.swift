internal import CMongoC
internal import DaybookBSON
internal import Foundation
internal import Synchronization

/// What `hello` says of the deployment: https://www.mongodb.com/docs/manual/reference/command/hello/
struct Topology: Sendable {
    enum Kind: Sendable { case standalone, replicaSet, sharded }

    /// Wire version 13 is MongoDB 5.0.
    static let oldestWireVersion = 13

    let kind: Kind
    let maximumWireVersion: Int

    init(hello: BSONDocument) {
        maximumWireVersion = hello.count("maxWireVersion")
        if case .string("isdbgrid") = hello["msg"] {
            kind = .sharded
        } else {
            kind = hello["setName"] == nil ? .standalone : .replicaSet
        }
    }
}

/// libmongoc's pool of clients for one URI.
///
/// `@unchecked Sendable`: `mongoc_client_pool_t` may be used from any thread
/// (https://mongoc.org/libmongoc/current/mongoc_client_pool_t.html); the URI and the transaction options are only read after `init`; the
/// rest is in a mutex.
final class DriverPool: @unchecked Sendable {
    private struct State {
        var pool: OpaquePointer?
        var topology: Topology?
        var streams = 0
    }

    /// Connections beyond ``maximumConnections``, for change streams, which occupy theirs for as long as they live.
    static let maximumStreams = 16

    let maximumConnections: Int
    /// Read and write concerns of every transaction. Borrowed: valid as long as this pool.
    let transactionOptions: OpaquePointer
    private let uri: OpaquePointer
    private let state = Mutex(State())

    /// Reads the URI; sends nothing.
    ///
    /// - Parameter socketTimeout: How long one answer may take, unless the URI says.
    /// - Throws: ``MongoError`` `invalidConfiguration`, without anything of the URI that may be secret.
    init(uri text: String, appName: String?, defaultConnections: Int, socketTimeout: Duration = .seconds(60)) throws(MongoError) {
        _ = Driver.isStarted
        let result: OpaquePointer = daybook_result_new()
        defer { daybook_result_destroy(result) }
        try MongoURI(text).check()
        // What libmongoc has to say of it is said by now, about the URI without its secrets.
        guard let uri = Driver.quietly({ daybook_uri_new(text, result) }) else {
            throw MongoError(
                .invalidConfiguration, "the MongoDB URI cannot be used: user, password and option values must be percent-encoded")
        }
        guard !daybook_uri_is_unacknowledged(uri) else {
            daybook_uri_destroy(uri)
            throw MongoError(
                .invalidConfiguration, "the MongoDB URI asks for w=0: a write that nobody acknowledges cannot be relied on")
        }
        self.uri = uri
        // A name that is too long is no reason not to work.
        if let appName, !daybook_uri_sets(uri, "appname") { _ = daybook_uri_set_app_name(uri, appName) }
        if !daybook_uri_sets(uri, "sockettimeoutms") {
            _ = daybook_uri_set_int(uri, "sockettimeoutms", Int32(clamping: Int64(socketTimeout / .milliseconds(1))))
        }
        if !daybook_uri_sets(uri, "serverselectiontimeoutms") { _ = daybook_uri_set_int(uri, "serverselectiontimeoutms", 10_000) }
        maximumConnections = max(3, Int(daybook_uri_int(uri, "maxpoolsize", Int32(clamping: defaultConnections))))
        // Acknowledged means durable, unless the URI says otherwise. A transaction takes its write concern from here too.
        if !daybook_uri_sets_write_concern(uri) { daybook_uri_set_majority_writes(uri) }
        transactionOptions = daybook_transaction_options_new(10_000)
    }

    deinit {
        // Every connection retains this pool until it has pushed its client back, so nothing is out any more. Destroying the pool tells the
        // server which sessions end, and that may block; whoever drops the last reference must not wait for it.
        let handles = [state.withLock { $0.pool }, transactionOptions, uri].map { $0.map(OpaqueHandle.init) }
        Thread.detachNewThread {
            if let pool = handles[0] { daybook_pool_destroy(pool.pointer) }
            if let options = handles[1] { daybook_transaction_options_destroy(options.pointer) }
            if let uri = handles[2] { daybook_uri_destroy(uri.pointer) }
        }
    }

    /// The URI's database, where it names one.
    var database: String? {
        daybook_uri_database(uri).map { String(cString: $0) }
    }

    var topology: Topology? {
        get { state.withLock { $0.topology } }
        set { state.withLock { $0.topology = newValue } }
    }

    /// A client. Only as many are asked for as there are permits, so libmongoc never makes anyone wait here.
    ///
    /// The first call makes the pool, which for a `mongodb+srv` URI asks the DNS: call it on a connection's thread.
    func pop() throws(MongoError) -> OpaquePointer {
        let outcome = state.withLock { state -> Result<OpaquePointer, MongoError> in
            if let pool = state.pool { return .success(pool) }
            let result: OpaquePointer = daybook_result_new()
            defer { daybook_result_destroy(result) }
            guard let pool = daybook_pool_new(uri, UInt32(maximumConnections + Self.maximumStreams), result) else {
                return .failure(
                    MongoError(
                        .invalidConfiguration,
                        "the MongoDB URI cannot be used: \(String(cString: daybook_result_message(result)))"))
            }
            state.pool = pool
            return .success(pool)
        }
        return daybook_pool_pop(try outcome.get())
    }

    /// - Throws: ``MongoError`` `poolExhausted` when there are as many streams as there may be.
    func reserveStream() throws(MongoError) {
        let isGranted = state.withLock { state in
            guard state.streams < Self.maximumStreams else { return false }
            state.streams += 1
            return true
        }
        guard isGranted else {
            throw MongoError(.poolExhausted, "there are \(Self.maximumStreams) change streams already; share one, or close some")
        }
    }

    func releaseStream() {
        state.withLock { $0.streams -= 1 }
    }

    func push(_ client: OpaquePointer) {
        state.withLock { $0.pool.map { OpaqueHandle($0) } }.map { daybook_pool_push($0.pointer, client) }
    }
}
