internal import DaybookBSON

extension MongoConnection {
    /// Whether the server has the command `bulkWrite`, which writes to several collections in one round trip: MongoDB
    /// 8.0 and later.
    ///
    /// https://www.mongodb.com/docs/manual/reference/command/bulkWrite/
    package var hasBulkCommand: Bool { pool.topology?.hasBulkCommand ?? false }

    /// Sends writes to several collections in one command, inside the open transaction, in order, up to the first that
    /// fails.
    ///
    /// The command is one document, so all writes together must be well below 16 MiB.
    ///
    /// - Precondition: A transaction is open. Outside one, the effect of a lost reply would be unknown.
    /// - Returns: For each operation, how many documents it inserted, matched or deleted.
    /// - Throws: ``MongoError`` of the first that failed, with its position in ``MongoError/index``; the transaction is
    ///   lost. ``MongoError/isUnknownCommand`` means that this server lacks the command after all; ``hasBulkCommand``
    ///   is false from then on.
    package func bulkCommand(_ operations: [NamespacedOperation]) throws(MongoError) -> [Int] {
        precondition(isInTransaction, "bulkWrite outside a transaction")
        var namespaces: [Namespace] = []
        var places: [Int] = []
        for operation in operations {
            let known = namespaces.firstIndex(of: operation.namespace)
            places.append(known ?? namespaces.count)
            if known == nil { namespaces.append(operation.namespace) }
        }
        let reply: BSONDocument
        do {
            reply = try write(try Self.command(operations, places, namespaces), database: "admin")
        } catch {
            var error = lacking(error)
            // The namespaces of the writes, and not the `admin` database that the command is sent to.
            error.namespace = namespaces.map(\.description).joined(separator: ", ")
            throw error
        }
        guard case .document(let cursor) = reply["cursor"] else { throw unexpected("it has no cursor", namespaces) }
        var counts: [Int] = []
        counts.reserveCapacity(operations.count)
        for result in cursor.documents("firstBatch") {
            let index = result.count("idx")
            guard index == counts.count, index < operations.count else {
                throw unexpected("it tells of operation \(index) in place \(counts.count)", namespaces)
            }
            if result["ok"] == .double(0) || result["ok"] == .int32(0) {
                var place = MongoError(.server, "")
                place.operation = operations[index].operation.kind.command
                place.namespace = operations[index].namespace.description
                // A router has the command, but forwards the error of a shard that lacks it.
                throw poisoned(lacking(MongoError(writeError: result, index: index, like: place)))
            }
            counts.append(result.count("n"))
        }
        // The results of any commit fit into the first batch.
        guard counts.count == operations.count else {
            throw unexpected("it tells of \(counts.count) operations", namespaces)
        }
        return counts
    }

    /// Remembers, for all connections, that the server lacks the command: the command is unknown, or it is disabled
    /// because the server's feature compatibility version is an older one.
    private func lacking(_ error: MongoError) -> MongoError {
        if error.isUnknownCommand { pool.topology?.hasBulkCommand = false }
        return error
    }

    private func unexpected(_ what: String, _ namespaces: [Namespace]) -> MongoError {
        var error = MongoError(.invalidData, "the reply to bulkWrite cannot be read: \(what)")
        error.operation = "bulkWrite"
        error.namespace = namespaces.first?.description
        return poisoned(error)
    }

    private static func command(
        _ operations: [NamespacedOperation], _ places: [Int], _ namespaces: [Namespace]
    ) throws(MongoError) -> BSONDocument {
        var writer = BSONWriter(capacity: operations.reduce(256) { $0 + $1.operation.byteCount + 64 })
        writer.write(Int32(1), forKey: "bulkWrite")
        writer.beginArray("ops")
        for (index, operation) in operations.enumerated() {
            writer.beginDocument()
            operation.operation.write(to: &writer, place: Int32(places[index]))
            writer.end()
        }
        writer.end()
        writer.beginArray("nsInfo")
        for namespace in namespaces {
            writer.beginDocument()
            writer.write(namespace.description, forKey: "ns")
            writer.end()
        }
        writer.end()
        writer.write(true, forKey: "ordered")
        do {
            return try writer.finish()
        } catch {
            throw MongoError(.invalidData, "\(error)")
        }
    }
}

extension BulkOperation {
    /// Writes the operation as an entry of `ops`.
    fileprivate func write(to writer: inout BSONWriter, place: Int32) {
        writer.write(place, forKey: kind.command)
        switch self {
        case .insert(let document):
            writer.write(document, forKey: "document")
        case .updateOne(let selector, let change, let upsert), .replaceOne(let selector, let change, let upsert):
            writer.write(selector, forKey: "filter")
            writer.write(change, forKey: "updateMods")
            if upsert { writer.write(true, forKey: "upsert") }
        case .updateMany(let selector, let update):
            writer.write(selector, forKey: "filter")
            writer.write(update, forKey: "updateMods")
            writer.write(true, forKey: "multi")
        case .deleteOne(let selector):
            writer.write(selector, forKey: "filter")
        case .deleteMany(let selector):
            writer.write(selector, forKey: "filter")
            writer.write(true, forKey: "multi")
        }
    }
}

extension BulkOperation.Kind {
    fileprivate var command: String {
        switch self {
        case .insert: "insert"
        case .update: "update"
        case .delete: "delete"
        }
    }
}
