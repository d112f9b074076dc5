package import DaybookBSON

/// The options of a find or an aggregation.
package struct FindOptions: Sendable {
    /// `[("state.expiresAt", 1)]`
    package var sort: [(key: String, direction: Int32)] = []
    /// The most documents to return; nil for all.
    package var limit: Int?
    package var projection: BSONDocument?
    /// How many documents the server sends at a time; nil for the server's default (101 at first, then 16 MiB).
    package var batchSize: Int?
    /// The bounds of a scan of the index in ``hint``: keys from `minimum` up to, but excluding, `maximum`. Unlike
    /// conditions, they apply to values of every type, in the order of the index. Both need a hint.
    ///
    /// https://www.mongodb.com/docs/manual/reference/method/cursor.min/
    package var minimum: BSONDocument?, maximum: BSONDocument?
    /// The index to use, by its keys.
    package var hint: BSONDocument?
    /// Which server and data the query reads.
    package var reads: Reads = .deciding

    package enum Reads: Sendable {
        /// For a decision, a look-up or a repair: the primary, with the read concern `majority`.
        case deciding
        /// The URI's read preference and read concern.
        case asConfigured
        /// The primary, with this read concern.
        case onPrimary(ReadConcern)
    }

    package init(
        sort: [(key: String, direction: Int32)] = [], limit: Int? = nil, projection: BSONDocument? = nil,
        batchSize: Int? = nil,
        reads: Reads = .deciding
    ) {
        self.sort = sort
        self.limit = limit
        self.projection = projection
        self.batchSize = batchSize
        self.reads = reads
    }

    /// Whether one of these options is a stage in a pipeline: MongoDB refuses such options as fields of `aggregate`.
    var haveStages: Bool { !sort.isEmpty || limit != nil || projection != nil }

    /// The options document. A transaction has a read concern of its own, and refuses another one here.
    func document(for request: CursorRequest, inTransaction: Bool) throws(BSONError) -> BSONDocument {
        var writer = BSONWriter()
        // Before 6.0 the server refuses to sort or group more than 100 MB without this option (code 292). Later
        // versions may allow it by default.
        // https://www.mongodb.com/docs/v5.0/reference/command/find/
        if !sort.isEmpty || request.isPipeline { writer.write(true, forKey: "allowDiskUse") }
        if !sort.isEmpty {
            writer.beginDocument("sort")
            for (key, direction) in sort { writer.write(direction, forKey: key) }
            writer.end()
        }
        writer.writeIfPresent(limit.map(Int64.init), forKey: "limit")
        writer.writeIfPresent(batchSize.map(Int32.init(clamping:)), forKey: "batchSize")
        writer.writeIfPresent(projection, forKey: "projection")
        writer.writeIfPresent(minimum, forKey: "min")
        writer.writeIfPresent(maximum, forKey: "max")
        writer.writeIfPresent(hint, forKey: "hint")
        if let readConcern = reads.concern, !inTransaction {
            writer.write(["level": .string(readConcern.rawValue)] as BSONDocument, forKey: "readConcern")
        }
        return try writer.finish()
    }
}

extension FindOptions.Reads {
    var concern: ReadConcern? {
        switch self {
        case .deciding: .majority
        case .asConfigured: nil
        case .onPrimary(let concern): concern
        }
    }

    var areOnPrimary: Bool {
        if case .asConfigured = self { false } else { true }
    }
}
