internal import CMongoC
internal import DaybookBSON

extension MongoConnection {
    /// Sends many writes to one collection in as few messages as possible, and accounts for each.
    ///
    /// The operations are cut into runs that the server takes in one command each: of one kind, within its limits of 100,000 operations
    /// and 48,000,000 bytes. So an answer is about a whole run, and when there is none it is exactly known whose outcome is not. Without
    /// order the operations of one kind travel together.
    ///
    /// - Parameter ordered: Whether the operations take effect one after the other, up to the first that fails.
    /// - Throws: In a transaction the first error, whatever it is: the transaction is lost. Outside one only what kept anything from being
    ///   sent; else the result tells.
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
            // Stable within a kind: sort(by:) promises no order among equals.
            sendable = BulkOperation.Kind.allCases.flatMap { kind in sendable.filter { operations[$0].kind == kind } }
        }
        let options = DriverOptions.adding(writeConcern, to: ["ordered": .bool(ordered)])
        var isFirst = true
        for run in runs(of: sendable, operations) {
            do {
                try send(run, operations, ordered: ordered, options, in: namespace, &result)
            } catch {
                if isInTransaction { throw error }
                // Nothing of this run has left. What went before it has, and is told of.
                guard !isFirst else { throw error }
                for index in run { result.outcomes[index] = .failed(error) }
            }
            isFirst = false
            let hasFailed = run.contains { if case .done = result.outcomes[$0] { false } else { true } }
            if ordered, hasFailed { break }
        }
        return result
    }

    /// The error for an operation that the server would not take; nil for any other. One such would keep its whole run from being sent.
    private func tooLarge(_ operation: BulkOperation, namespace: Namespace, index: Int) -> MongoError? {
        if let document = operation.stored,
            let error = tooLarge(document, operation: "bulk write", namespace: namespace, index: index)
        {
            return error
        }
        // Servers allow 16 KiB around a document for what surrounds it in a command.
        guard operation.byteCount > maximumDocumentBytes + 16 * 1024 else { return nil }
        var error = MongoError(
            .tooLarge,
            "an operation of \(operation.byteCount) bytes is over MongoDB's limit of \(maximumDocumentBytes); it was not sent")
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
                operations[last].kind != operation.kind || bytes + operation.byteCount > 47_000_000 || current.count >= 100_000
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

    /// Sends one run and writes down what became of its members.
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

    /// A run that did not succeed as a whole: each member's own error where it has one that is a verdict on it; otherwise it was done if the server
    /// answered.
    private func account(
        for run: [Int], isInsert: Bool, reply: BSONDocument, error: MongoError, ordered: Bool, _ outcome: inout BulkResult
    ) {
        let failures = reply.documents("writeErrors")
        let hasConcernErrors = !reply.documents("writeConcernErrors").isEmpty
        var firstFailed = run.count
        for failed in failures { firstFailed = min(firstFailed, failed.count("index")) }
        // A fault of the connection, or a reply for the command as a whole, such as "not primary": no member is known to be done.
        var isAnswered = !failures.isEmpty && !hasConcernErrors
        if isInsert {
            // What went in and what was refused must account for all that was tried; an update or a delete may have found nothing.
            let tried = ordered ? firstFailed : run.count - failures.count
            isAnswered = isAnswered && reply.count("nInserted") == tried
        }
        for index in run { outcome.outcomes[index] = isAnswered ? .done : .unknown(error) }
        if ordered {
            // The server stops at the first error: nothing after it was tried.
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
            // No verdict on this document: a router writes the code of a shard's lost answer into an error of each document that it sent there,
            // and the shard may have done them. In order it names only the first of them. libmongoc does not send these again.
            let last = ordered ? run.count - 1 : position
            for position in position...last { outcome.outcomes[run[position]] = .unknown(own) }
        }
        if failures.isEmpty, !hasConcernErrors, error.isRefusal {
            for index in run { outcome.outcomes[index] = .failed(error) }
        }
    }

    private func add(_ operation: BulkOperation, to bulk: OpaquePointer) -> Bool {
        func change(_ kind: daybook_write, _ selector: BSONDocument, _ change: BSONDocument?, _ options: BSONDocument?) -> Bool {
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
