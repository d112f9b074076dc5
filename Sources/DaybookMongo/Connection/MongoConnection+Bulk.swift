internal import CMongoC
internal import DaybookBSON

extension MongoConnection {
    /// Sends many writes to one collection in as few messages as possible, and reports the outcome of each.
    ///
    /// The operations are cut into runs that the server accepts in one command each: of one kind, and within its limits
    /// of 100,000 operations and 48,000,000 bytes. So each reply is for a whole run, and when a reply is missing, it is
    /// known exactly which outcomes are unknown. An unordered bulk write groups all operations of a kind.
    ///
    /// - Parameter ordered: Whether the operations take effect one after another, up to the first that fails.
    /// - Throws: In a transaction the first error of any kind, because the transaction is lost. Outside one only an
    ///   error before anything was sent; all others are in the result.
    package func bulkWrite(
        _ operations: [BulkOperation], ordered: Bool, in namespace: Namespace, writeConcern: WriteConcern? = nil
    ) throws(MongoError) -> BulkResult {
        if let poison { throw poison }
        var result = BulkResult(count: operations.count)
        var sendable: [Int] = []
        for (index, operation) in operations.enumerated() {
            guard let error = tooLarge(operation, namespace: namespace, index: index) else {
                sendable.append(index)
                continue
            }
            if isInTransaction { throw error }
            result.outcomes[index] = .failed(error)
            if ordered { break }
        }
        if !ordered {
            // A stable partition by kind: sort(by:) does not promise to keep the order of equal elements.
            sendable = BulkOperation.Kind.allCases.flatMap { kind in sendable.filter { operations[$0].kind == kind } }
        }
        let options = DriverOptions.adding(writeConcern, to: ["ordered": .bool(ordered)])
        var isFirst = true
        for run in runs(of: sendable, operations) {
            do {
                try send(run, operations, ordered: ordered, options, in: namespace, &result)
            } catch {
                if isInTransaction { throw error }
                // Nothing of this run was sent, but earlier runs were, and the result reports those.
                guard !isFirst else { throw error }
                for index in run { result.outcomes[index] = .failed(error) }
            }
            isFirst = false
            let hasFailed = run.contains { if case .done = result.outcomes[$0] { false } else { true } }
            if ordered, hasFailed { break }
        }
        return result
    }

    /// The error for an operation that is too large for the server; nil for any other. Such an operation would prevent
    /// its whole run from being sent.
    private func tooLarge(_ operation: BulkOperation, namespace: Namespace, index: Int) -> MongoError? {
        if let document = operation.stored,
            let error = tooLarge(document, operation: "bulk write", namespace: namespace, index: index)
        {
            return error
        }
        // Servers allow 16 KiB in addition to a document for the rest of the command.
        guard operation.byteCount > maximumDocumentBytes + 16 * 1024 else { return nil }
        var error = MongoError(
            .tooLarge,
            "an operation of \(operation.byteCount) bytes is over MongoDB's limit of \(maximumDocumentBytes); it was "
                + "not sent"
        )
        error.operation = "bulk write"
        error.namespace = namespace.description
        error.index = index
        return error
    }

    private func runs(of indices: [Int], _ operations: [BulkOperation]) -> [[Int]] {
        var runs: [[Int]] = []
        var current: [Int] = []
        var bytes = 0
        for index in indices {
            let operation = operations[index]
            if let last = current.last,
                operations[last].kind != operation.kind || bytes + operation.byteCount > 47_000_000
                    || current.count >= 100_000
            {
                runs.append(current)
                current = []
                bytes = 0
            }
            current.append(index)
            bytes += operation.byteCount
        }
        return current.isEmpty ? runs : runs + [current]
    }

    /// Sends one run and records the outcomes of its members.
    private func send(
        _ run: [Int], _ operations: [BulkOperation], ordered: Bool, _ options: BSONDocument, in namespace: Namespace,
        _ outcome: inout BulkResult
    ) throws(MongoError) {
        let collection = try collection(namespace)
        let session = transactionSession
        let bulk = options.withDriverBytes { daybook_bulk_new(collection, $0, session, result) }
        guard let bulk else { throw failure("bulk write", on: namespace.description) }
        defer { daybook_bulk_destroy(bulk) }
        for index in run {
            try perform("bulk write", on: namespace.description) { add(operations[index], to: bulk) }
        }
        if daybook_bulk_execute(bulk, result) {
            outcome.count(reply())
            for index in run { outcome.outcomes[index] = .done }
            return
        }
        let error = failure("bulk write", on: namespace.description)
        if isInTransaction || error.isBeforeSending { throw error }
        let reply = reply()
        outcome.count(reply)
        let isInsert = run.first.map { operations[$0].kind == .insert } ?? false
        account(for: run, isInsert: isInsert, reply: reply, error: error, ordered: ordered, &outcome)
    }

    /// Records the outcomes of a run that did not wholly succeed. A member whose own error is a definite refusal has
    /// failed. The others were executed if the server replied, and are unknown otherwise.
    private func account(
        for run: [Int], isInsert: Bool, reply: BSONDocument, error: MongoError, ordered: Bool,
        _ outcome: inout BulkResult
    ) {
        let failures = reply.documents("writeErrors")
        let hasConcernErrors = !reply.documents("writeConcernErrors").isEmpty
        var firstFailed = run.count
        for failed in failures { firstFailed = min(firstFailed, failed.count("index")) }
        // Without a list of failed writes, the connection failed, or the reply is for the whole command, such as "not
        // primary": then no member is known to have been executed.
        var isAnswered = !failures.isEmpty && !hasConcernErrors
        if isInsert {
            // The inserted and the refused must add up to all that were tried. Updates and deletes cannot be checked
            // this way, because they may match nothing.
            let tried = ordered ? firstFailed : run.count - failures.count
            isAnswered = isAnswered && reply.count("nInserted") == tried
        }
        for index in run { outcome.outcomes[index] = isAnswered ? .done : .unknown(error) }
        if ordered {
            // The server stops at the first error and does not try what follows.
            for position in run.indices where position > firstFailed { outcome.outcomes[run[position]] = .notSent }
        }
        for failed in failures {
            let position = failed.count("index")
            guard run.indices.contains(position) else { continue }
            let own = MongoError(writeError: failed, index: run[position], like: error)
            guard !own.isRefusal else {
                outcome.outcomes[run[position]] = .failed(own)
                continue
            }
            // This error is no refusal of the document. When a router loses a shard's reply, it writes that error for
            // each document that it sent there, and the shard may have executed them. If ordered, it names only the
            // first of them. libmongoc does not send them again.
            let last = ordered ? run.count - 1 : position
            for position in position...last { outcome.outcomes[run[position]] = .unknown(own) }
        }
        if failures.isEmpty, !hasConcernErrors, error.isRefusal {
            for index in run { outcome.outcomes[index] = .failed(error) }
        }
    }

    private func add(_ operation: BulkOperation, to bulk: OpaquePointer) -> Bool {
        func change(_ kind: daybook_write, _ selector: BSONDocument, _ change: BSONDocument?, _ options: BSONDocument?)
            -> Bool
        {
            selector.withDriverBytes { selector in
                change.withDriverBytes { change in
                    options.withDriverBytes { daybook_bulk_change(bulk, kind, selector, change, $0, result) }
                }
            }
        }
        switch operation {
        case .insert(let document):
            return document.withDriverBytes { document in
                DriverOptions.withoutValidation.withDriverBytes { daybook_bulk_insert(bulk, document, $0, result) }
            }
        case .updateOne(let selector, let update, let upsert):
            return change(daybook_write_update_one, selector, update, DriverOptions.update(upsert: upsert))
        case .updateMany(let selector, let update):
            return change(daybook_write_update_many, selector, update, DriverOptions.update(upsert: false))
        case .replaceOne(let selector, let replacement, let upsert):
            return change(daybook_write_replace_one, selector, replacement, DriverOptions.update(upsert: upsert))
        case .deleteOne(let selector):
            return change(daybook_write_delete_one, selector, nil, nil)
        case .deleteMany(let selector):
            return change(daybook_write_delete_many, selector, nil, nil)
        }
    }
}
