internal import CMongoC
package import DaybookBSON

/// One client of libmongoc, on a thread of its own.
///
/// It is an actor whose executor is that thread. The C handles are its isolated state, and code that is isolated to it
/// (``MongoClient/withConnection(_:_:)``) may call its methods one after another without changing threads. The methods
/// block, which is why they are not `async`. While a transaction is open, every operation belongs to it.
package actor MongoConnection {
    let thread: ConnectionThread
    let pool: DriverPool
    private var client: OpaquePointer?
    private var session: OpaquePointer?
    private var collections: [Namespace: OpaquePointer] = [:]
    /// Reply and error of the last call; see `daybook_result` in the shim.
    let result: OpaquePointer
    /// The first error inside the open transaction. The server has aborted the transaction, so every later operation in
    /// it fails.
    package private(set) var poison: MongoError?
    private var transaction = TransactionState.none

    private enum TransactionState {
        case none
        case open
        /// A commit was sent, and no reply has reported success.
        case commitSent
    }

    /// Whether operations belong to a transaction now.
    package var isInTransaction: Bool { transaction != .none }

    nonisolated package var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(pool: DriverPool, number: Int) {
        self.pool = pool
        thread = ConnectionThread(name: "daybook-\(number)")
        result = daybook_result_new()
    }

    isolated deinit {
        close()
        daybook_result_destroy(result)
        thread.stop()
    }

    /// Returns everything to libmongoc, in the order that it requires: collections, session, client.
    func close() {
        closeCollections()
        closeSession()
        if let client { pool.push(client) }
        client = nil
    }

    /// The client. It is taken from libmongoc's pool at the first use, and kept until ``close()``.
    func openClient() throws(MongoError) -> OpaquePointer {
        if let client { return client }
        let popped = try pool.pop()
        client = popped
        return popped
    }

    func collection(_ namespace: Namespace) throws(MongoError) -> OpaquePointer {
        if let known = collections[namespace] { return known }
        // A store may serve thousands of tenants, so do not keep a handle for each: new ones are cheap.
        if collections.count >= 256 { closeCollections() }
        let handle: OpaquePointer = daybook_collection_new(try openClient(), namespace.database, namespace.collection)
        collections[namespace] = handle
        return handle
    }

    /// Finds out what kind of server this is, once for all connections of a client.
    ///
    /// - Throws: ``MongoError`` `serverTooOld`, and any error of the first command.
    func prepare() throws(MongoError) {
        guard pool.topology == nil else { return }
        let topology = Topology(hello: try read(["hello": 1], database: "admin", isRetried: false))
        guard topology.maximumWireVersion >= Topology.oldestWireVersion else {
            throw .serverTooOld
        }
        pool.topology = topology
    }

    /// The session of the open transaction; nil outside one, where libmongoc adds an implicit session.
    var transactionSession: OpaquePointer? { isInTransaction ? session : nil }

    private func closeCollections() {
        for handle in collections.values { daybook_collection_destroy(handle) }
        collections = [:]
    }

    private func closeSession() {
        if let session { daybook_session_destroy(session) }
        session = nil
    }

    /// Calls into libmongoc, and converts its failure into a ``MongoError``.
    ///
    /// - Throws: The transaction's first error, without calling libmongoc, when the transaction has failed.
    func perform(_ operation: String, on namespace: String?, _ call: () -> Bool) throws(MongoError) {
        if let poison { throw poison }
        if call() { return }
        throw failure(operation, on: namespace)
    }

    /// The error of the last call. It is remembered while a transaction is open.
    func failure(_ operation: String, on namespace: String?) -> MongoError {
        var error = MongoError(result, operation: operation, namespace: namespace)
        // This client has signed in before, so the password is right, and the connection was lost.
        if error.mayBeOfLostHandshake, pool.topology != nil { error.code = .network }
        return poisoned(error)
    }

    /// The error, which is remembered while a transaction is open.
    func poisoned(_ error: MongoError) -> MongoError {
        guard isInTransaction else { return error }
        var error = error
        error.phase = .operation
        poison = error
        return error
    }
}

// MARK: - Transactions

extension MongoConnection {
    /// Begins a transaction: snapshot reads on the primary, and a commit with the client's write concern.
    ///
    /// It selects a server, and may connect to it. The server learns of the transaction with its first operation. A
    /// session is kept from one transaction to the next, and replaced after an error.
    package func beginTransaction() throws(MongoError) {
        precondition(!isInTransaction, "a transaction is already open on this connection")
        poison = nil
        try requireTransactions()
        if session == nil {
            session = daybook_session_new(try openClient(), result)
        }
        guard let session, daybook_transaction_start(session, pool.transactionOptions, result) else {
            var error = failure("startTransaction", on: nil)
            error.phase = .start
            closeSession()
            throw error
        }
        transaction = .open
    }

    /// Throws early when this server cannot run transactions. That is known only after a first command.
    ///
    /// - Throws: ``MongoError`` `transactionsUnsupported`.
    package func requireTransactions() throws(MongoError) {
        guard pool.topology?.kind == .standalone else { return }
        // It may have been made a replica set in the meantime, as the error message recommends, so ask it again.
        pool.topology = nil
        try prepare()
        guard pool.topology?.kind == .standalone else { return }
        var error = MongoError(
            .transactionsUnsupported,
            "this is a standalone server, and a commit needs transactions: run it as a replica set, be it of one node "
                + "(mongod --replSet NAME, then rs.initiate() in mongosh)"
        )
        error.phase = .start
        throw error
    }

    /// Sends the commit. If it fails with an error that is not a ``MongoError/isDefiniteAbort``, it may have taken
    /// effect. If the error ``MongoError/mayBeCommittedAgain``, it may be sent again, and the server then replies with
    /// its outcome.
    package func commitTransaction() throws(MongoError) {
        guard let session, isInTransaction else { preconditionFailure("no transaction is open on this connection") }
        if transaction == .open, let poison { throw poison }
        transaction = .commitSent
        if daybook_transaction_commit(session, result) {
            transaction = .none
            poison = nil
            return
        }
        var error = failure("commitTransaction", on: nil)
        error.phase = .commit
        poison = error
        throw error
    }

    /// Abandons the transaction. Errors are ignored: the server ends transactions that it no longer hears of.
    package func endTransaction() {
        guard isInTransaction else { return }
        // After a commit libmongoc refuses to abort. Destroying the session discards the transaction in every state.
        if let session, transaction == .open {
            // The server has usually aborted it already, as after every lost race, and reports an error. Do not log
            // that.
            Driver.quietly { _ = daybook_transaction_abort(session, result) }
        }
        closeSession()
        transaction = .none
        poison = nil
    }
}

// MARK: - Commands

extension MongoConnection {
    /// Runs a command that reads, on the primary, and returns its reply. Its read concern is the one in the command, if
    /// any.
    ///
    /// If the connection breaks outside a transaction, the command is sent once more, on a new connection: libmongoc
    /// retries its cursors, but not commands, and a connection that was idle for long is often found broken only when
    /// it is used. https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md
    ///
    /// - Parameters:
    ///   - isRetried: Whether to retry. A retry takes more time.
    ///   - takesLong: See ``write(_:database:writeConcern:takesLong:)``.
    package func read(
        _ command: BSONDocument, database: String, isRetried: Bool = true, takesLong: Bool = false
    ) throws(MongoError) -> BSONDocument {
        do {
            return try run(command, database: database, isWrite: false, takesLong: takesLong)
        } catch {
            guard isRetried, error.code == .network, !isInTransaction else { throw error }
            return try run(command, database: database, isWrite: false, takesLong: takesLong)
        }
    }

    /// Runs a command that writes, with the URI's write concern unless another one is passed, and returns its reply.
    ///
    /// - Parameter takesLong: Whether to wait without a socket timeout, even if the URI sets one. For commands whose
    ///   duration depends on the server's data or on other transactions, such as building an index or waiting for a
    ///   collection's lock. The command then uses a connection of its own beside this one. Never inside a transaction.
    package func write(
        _ command: BSONDocument, database: String, writeConcern: WriteConcern? = nil, takesLong: Bool = false
    ) throws(MongoError) -> BSONDocument {
        try run(command, database: database, isWrite: true, writeConcern, takesLong: takesLong)
    }

    private func run(
        _ command: BSONDocument, database: String, isWrite: Bool, _ writeConcern: WriteConcern? = nil, takesLong: Bool
    ) throws(MongoError) -> BSONDocument {
        let options = writeConcern.map { DriverOptions.adding($0, to: [:]) }
        precondition(!takesLong || !isInTransaction, "a transaction lives on one connection, and ends after a minute")
        let client = takesLong ? try pool.pop(.unlimited) : try openClient()
        defer { if takesLong { pool.push(client, .unlimited) } }
        let session = transactionSession
        let name = command.firstKey ?? "command"
        try perform(name, on: database) {
            command.withDriverBytes { bytes in
                options.withDriverBytes { daybook_command(client, database, bytes, $0, isWrite, session, result) }
            }
        }
        return reply()
    }

    /// A copy of the last call's reply.
    func reply() -> BSONDocument {
        let bytes = daybook_result_reply(result)
        return BSONDocument(unchecked: Array(UnsafeRawBufferPointer(start: bytes.data, count: bytes.length)))
    }
}
