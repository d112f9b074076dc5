internal import Synchronization

/// The connections to one deployment, shared by all operations.
package final class MongoClient: Sendable {
    /// The use that a connection is checked out for; see ``Permits``.
    package enum Purpose: Sendable {
        /// One operation, or a few in a row.
        case single
        case transaction
        case cursor

        var permit: Permits.Kind {
            switch self {
            case .single: .single
            case .transaction: .transaction
            case .cursor: .cursor
            }
        }
    }

    private struct State {
        /// The connections that are not in use; the last returned one is last.
        var idle: [MongoConnection] = []
        var opened = 0
        var isClosed = false
    }

    private let pool: DriverPool
    private let permits: Permits
    private let waitTimeout: Duration
    private let state = Mutex(State())

    /// Parses the URI. Nothing is sent before the first operation.
    ///
    /// - Parameters:
    ///   - defaultConnections: The most connections at a time, unless the URI sets `maxPoolSize`. Each has a thread.
    ///   - minimumConnections: The lowest maximum, whatever the URI sets: what the client's user needs at one time. At
    ///     least 3, one for each purpose.
    ///   - socketTimeout: How long one reply of the server may take, unless the URI sets `socketTimeoutMS`.
    ///   - waitTimeout: How long an operation waits for a connection before it fails with `poolExhausted`.
    package init(
        uri: String, appName: String? = nil, defaultConnections: Int = 16, minimumConnections: Int = 0,
        waitTimeout: Duration = .seconds(10), socketTimeout: Duration = .seconds(60)
    ) throws(MongoError) {
        pool = try DriverPool(
            uri: uri, appName: appName, defaultConnections: defaultConnections, minimumConnections: minimumConnections,
            socketTimeout: socketTimeout)
        permits = Permits(total: pool.maximumConnections)
        self.waitTimeout = waitTimeout
    }

    /// The database in the URI.
    package var database: String? { pool.database }

    /// The most connections at a time.
    package var maximumConnections: Int { pool.maximumConnections }

    /// The write concern and read preference of the URI, or the client's defaults.
    package var settings: ClientSettings { pool.settings }

    /// How many connections are checked out now.
    package var connectionsInUse: Int { permits.inUse }

    /// Whether an operation waits for a connection: long work then releases its own.
    package var isAwaited: Bool { permits.isAwaited }

    /// Runs `body` on a connection that no other operation uses, on that connection's thread.
    ///
    /// A transaction that `body` leaves open is aborted.
    ///
    /// - Throws: ``MongoError`` `poolExhausted` and `closed` before `body`; any error of reaching a server; what `body`
    ///   throws.
    package func withConnection<R: Sendable>(
        _ purpose: Purpose, _ body: @Sendable (isolated MongoConnection) async throws -> R
    ) async throws -> R {
        let connection = try await checkOut(purpose)
        defer { checkIn(connection, purpose) }
        return try await Self.run(body, on: connection)
    }

    /// Runs `body` in a task of its own, on a connection's thread.
    ///
    /// If a connection is free now, the task begins and ends on that thread: waking another thread takes as long as a
    /// fast server takes to reply.
    ///
    /// - Parameter failed: Called with what `body` throws, and with what ``withConnection(_:_:)`` throws before `body`.
    package func start(
        _ purpose: Purpose, _ body: @escaping @Sendable (isolated MongoConnection) async throws -> Void,
        orElse failed: @escaping @Sendable (any Error) async -> Void
    ) {
        guard permits.acquireAtOnce(purpose.permit) else {
            Task {
                do { try await withConnection(purpose, body) } catch { await failed(error) }
            }
            return
        }
        let connection = takeConnection()
        Task(executorPreference: connection.thread) {
            do {
                defer { self.checkIn(connection, purpose) }
                try await Self.run(body, on: connection)
            } catch {
                await failed(error)
            }
        }
    }

    private static func run<R: Sendable>(
        _ body: @Sendable (isolated MongoConnection) async throws -> R, on connection: isolated MongoConnection
    ) async throws -> R {
        defer { connection.endTransaction() }
        try connection.prepare()
        return try await body(connection)
    }

    /// Whether the server that the last command was sent to is a mongos; false before the first command.
    package var isSharded: Bool { pool.topology?.kind == .sharded }

    func checkOut(_ purpose: Purpose) async throws -> MongoConnection {
        try await permits.acquire(purpose.permit, timeout: waitTimeout)
        return takeConnection()
    }

    /// A connection for a caller that has a permit.
    private func takeConnection() -> MongoConnection {
        Driver.begin()
        return state.withLock { state in
            if let idle = state.idle.popLast() { return idle }
            state.opened += 1
            return MongoConnection(pool: pool, number: state.opened)
        }
    }

    /// A connection for a change stream, outside the permits. It is closed when its last reference is gone.
    ///
    /// A stream occupies its connection as long as it lives, so a limit would only refuse programs with more async
    /// types than that.
    ///
    /// - Throws: ``MongoError`` `closed`.
    func openStreamConnection() throws(MongoError) -> MongoConnection {
        guard !permits.isClosed else { throw .closed }
        return MongoConnection(pool: pool, number: 0)
    }

    func checkIn(_ connection: MongoConnection, _ purpose: Purpose) {
        // After close() the connection is dropped: its deinit closes it, on its own thread.
        state.withLock { if !$0.isClosed { $0.idle.append(connection) } }
        permits.release(purpose.permit)
        Driver.end()
    }

    /// Refuses new operations and closes the idle connections. A connection in use is closed when its operation has
    /// ended.
    package func close() async {
        permits.close()
        let idle = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return state.idle
        }
        for connection in idle { await connection.close() }
    }
}
