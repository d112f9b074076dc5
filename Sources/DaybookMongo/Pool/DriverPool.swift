internal import CMongoC
internal import Foundation
internal import Synchronization

/// libmongoc's pools of clients for one URI: one for almost everything, and one, made on demand, for commands that take
/// long.
///
/// Those need a pool of their own, because a client of libmongoc 1.23 takes its socket timeout from its pool's URI.
///
/// `@unchecked Sendable`: `mongoc_client_pool_t` may be used from any thread
/// (https://mongoc.org/libmongoc/current/mongoc_client_pool_t.html); the URI and the transaction options are only read
/// after `init`; the rest is in a mutex.
final class DriverPool: @unchecked Sendable {
    /// How long a client waits for a reply.
    enum Patience: Sendable {
        /// As long as the URI sets, or a minute.
        case ordinary
        /// As long as any command takes. TCP keepalive, which libmongoc enables, detects a server that is gone after
        /// about 3.5 minutes.
        case unlimited
    }

    private struct State {
        var pools: [Patience: OpaquePointer] = [:]
        var topology: Topology?
    }

    let maximumConnections: Int
    let settings: ClientSettings
    /// The read and write concern of every transaction. Borrowed: valid as long as this pool.
    let transactionOptions: OpaquePointer
    private let uri: OpaquePointer
    private let state = Mutex(State())
    private let creation = Mutex(())

    /// Parses the URI. Nothing is sent.
    ///
    /// - Parameters:
    ///   - minimumConnections: The lowest maximum of connections, whatever the URI sets; at least one for each kind of
    ///     permit.
    ///   - socketTimeout: How long one reply may take, unless the URI sets it.
    /// - Throws: ``MongoError`` `invalidConfiguration`, without any part of the URI that may be secret.
    init(
        uri text: String, appName: String?, defaultConnections: Int, minimumConnections: Int = 0,
        socketTimeout: Duration = .seconds(60)
    ) throws(MongoError) {
        _ = Driver.isStarted
        let uri = try MongoURI(text).parse()
        guard !daybook_uri_is_unacknowledged(uri) else {
            daybook_uri_destroy(uri)
            throw MongoError(
                .invalidConfiguration,
                "the MongoDB URI asks for w=0: a write that no server acknowledges cannot be relied on")
        }
        self.uri = uri
        // Ignore a failure: a name that is too long does not prevent connecting.
        if let appName, !daybook_uri_sets(uri, "appname") { _ = daybook_uri_set_app_name(uri, appName) }
        if !daybook_uri_sets(uri, "sockettimeoutms") {
            _ = daybook_uri_set_int(uri, "sockettimeoutms", Int32(clamping: Int64(socketTimeout / .milliseconds(1))))
        }
        if !daybook_uri_sets(uri, "serverselectiontimeoutms") {
            _ = daybook_uri_set_int(uri, "serverselectiontimeoutms", 10_000)
        }
        maximumConnections = max(
            Permits.Kind.allCases.count, minimumConnections,
            Int(daybook_uri_int(uri, "maxpoolsize", Int32(clamping: defaultConnections))))
        // By default an acknowledged write is durable. A transaction takes its write concern from here too.
        let statesWriteConcern = daybook_uri_sets_write_concern(uri)
        if !statesWriteConcern { daybook_uri_set_majority_writes(uri) }
        settings = ClientSettings(uri, statesWriteConcern: statesWriteConcern)
        transactionOptions = daybook_transaction_options_new(10_000)
    }

    deinit {
        // Every connection retains this pool until it has pushed its client back, so no client is in use any more.
        // Destroying the pool ends sessions on the server and waits for the monitor, about half a second. The code that
        // drops the last reference must not wait for that.
        let pools = state.withLock { $0.pools.values.map(OpaqueHandle.init) }
        let (options, uri) = (OpaqueHandle(transactionOptions), OpaqueHandle(uri))
        Driver.begin()
        Thread.detachNewThread {
            for pool in pools { daybook_pool_destroy(pool.pointer) }
            daybook_transaction_options_destroy(options.pointer)
            daybook_uri_destroy(uri.pointer)
            Driver.end()
        }
    }

    /// The database in the URI, if any.
    var database: String? {
        daybook_uri_database(uri).map { String(cString: $0) }
    }

    var topology: Topology? {
        get { state.withLock { $0.topology } }
        set { state.withLock { $0.topology = newValue } }
    }

    /// A client. libmongoc's pool is made without a limit, so this call never waits for a client: ``Permits`` limit how
    /// many connections are in use, and each change stream has one in addition to those.
    ///
    /// The first call makes the pool, which for a `mongodb+srv` URI queries the DNS, so call it on a connection's
    /// thread.
    func pop(_ patience: Patience = .ordinary) throws(MongoError) -> OpaquePointer {
        daybook_pool_pop(try openPool(patience))
    }

    func push(_ client: OpaquePointer, _ patience: Patience = .ordinary) {
        let pool = state.withLock { $0.pools[patience].map(OpaqueHandle.init) }
        if let pool { daybook_pool_push(pool.pointer, client) }
    }

    private func openPool(_ patience: Patience) throws(MongoError) -> OpaquePointer {
        // A separate lock, so that code that only reads the state need not wait for the DNS.
        let outcome = creation.withLock { _ -> Result<OpaqueHandle, MongoError> in
            if let pool = state.withLock({ $0.pools[patience].map(OpaqueHandle.init) }) { return .success(pool) }
            let result: OpaquePointer = daybook_result_new()
            defer { daybook_result_destroy(result) }
            let own: OpaquePointer = daybook_uri_copy(uri)
            defer { daybook_uri_destroy(own) }
            // Not 0, which libmongoc replaces by its default of 5 minutes.
            if patience == .unlimited { _ = daybook_uri_set_int(own, "sockettimeoutms", .max) }
            guard let pool = daybook_pool_new(own, .max, result) else {
                var error = MongoError(result, operation: "connect", namespace: nil)
                // The URI was parsed, so the name could not be resolved at this time.
                if error.code == .network { error.code = .noServer }
                return .failure(error)
            }
            let handle = OpaqueHandle(pool)
            state.withLock { $0.pools[patience] = handle.pointer }
            return .success(handle)
        }
        return try outcome.get().pointer
    }
}
