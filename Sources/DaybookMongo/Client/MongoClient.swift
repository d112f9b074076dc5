internal import Synchronization

/// Connections to one deployment, shared by everything that asks for them.
package final class MongoClient: Sendable {
    /// What a connection is wanted for; see ``Permits``.
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
        /// Not in use, the last one given back at the end.
        var idle: [MongoConnection] = []
        var opened = 0
        var isClosed = false
    }

    private let pool: DriverPool
    private let permits: Permits
    private let waitTimeout: Duration
    private let state = Mutex(State())

    /// Reads the URI; nothing is sent before the first operation.
    ///
    /// - Parameters:
    ///   - defaultConnections: The most connections at a time, unless the URI sets `maxPoolSize`; each has a thread.
    ///   - minimumConnections: How many there may be at least, whatever the URI sets: what its user needs at one time. At least 3, one for each
    ///     purpose.
    ///   - socketTimeout: How long one answer of the server may take, unless the URI sets `socketTimeoutMS`.
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

    /// The database that the URI names.
    package var database: String? { pool.database }

    /// The most connections at a time.
    package var maximumConnections: Int { pool.maximumConnections }

    /// What the URI asks of every read and write.
    package var settings: ClientSettings { pool.settings }

    /// How many connections are checked out now.
    package var connectionsInUse: Int { permits.inUse }

    /// Whether an operation waits for a connection: long work gives its own back then.
    package var isAwaited: Bool { permits.isAwaited }

    /// Runs `body` on a connection of its own, on that connection's thread.
    ///
    /// An open transaction is given up when `body` leaves it open.
    ///
    /// - Throws: ``MongoError`` `poolExhausted` and `closed` before `body`; what keeps a server from being reached; what `body` throws.
    package func withConnection<R: Sendable>(
        _ purpose: Purpose, _ body: @Sendable (isolated MongoConnection) async throws -> R
    ) async throws -> R {
        let connection = try await checkOut(purpose)
        defer { checkIn(connection, purpose) }
        return try await Self.run(body, on: connection)
    }

    /// Runs `body` in a task of its own, on a connection's thread.
    ///
    /// Where a connection is free now, the task begins and ends on its thread: to wake another one for either takes as long as a fast server
    /// takes to answer.
    ///
    /// - Parameter failed: Gets what `body` throws, and what ``withConnection(_:_:)`` throws before it.
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

    /// Whether the last server that was asked is a mongos; false before the first was.
    package var isSharded: Bool { pool.topology?.kind == .sharded }

    func checkOut(_ purpose: Purpose) async throws -> MongoConnection {
        try await permits.acquire(purpose.permit, timeout: waitTimeout)
        return takeConnection()
    }

    /// For who has a permit.
    private func takeConnection() -> MongoConnection {
        Driver.begin()
        return state.withLock { state in
            if let idle = state.idle.popLast() { return idle }
            state.opened += 1
            return MongoConnection(pool: pool, number: state.opened)
        }
    }

    /// A connection for a change stream, outside the permits; it closes when nobody refers to it any more.
    ///
    /// A stream occupies its connection for as long as it lives, so a limit would only refuse a program that has more async types than that.
    ///
    /// - Throws: ``MongoError`` `closed`.
    func openStreamConnection() throws(MongoError) -> MongoConnection {
        guard !permits.isClosed else { throw .closed }
        return MongoConnection(pool: pool, number: 0)
    }

    func checkIn(_ connection: MongoConnection, _ purpose: Purpose) {
        // Behind close() it is dropped instead: its end of life closes it, on its own thread.
        state.withLock { if !$0.isClosed { $0.idle.append(connection) } }
        permits.release(purpose.permit)
        Driver.end()
    }

    /// Refuses new operations and closes the connections that are idle; one in use is closed when its operation is done.
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
