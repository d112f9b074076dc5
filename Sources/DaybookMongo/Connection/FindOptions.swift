package import DaybookBSON

/// What a find returns, and how.
package struct FindOptions: Sendable {
    /// `[("state.expiresAt", 1)]`
    package var sort: [(key: String, direction: Int32)] = []
    /// At most so many documents; nil for all.
    package var limit: Int?
    package var projection: BSONDocument?
    /// How many documents the server sends at a time; nil leaves it to the server (101 first, then 16 MiB).
    package var batchSize: Int?
    /// Where the index of ``hint`` is entered and left: keys from `minimum` on, up to `maximum`, which is not among them. Unlike conditions, they take
    /// values of every type, in the order of the index. Both need a hint.
    ///
    /// https://www.mongodb.com/docs/manual/reference/method/cursor.min/
    package var minimum: BSONDocument?, maximum: BSONDocument?
    /// The index that is used, by its keys.
    package var hint: BSONDocument?
    /// Where it is read from.
    package var reads: Reads = .deciding

    package enum Reads: Sendable {
        /// Feeds a decision, a look-up or a repair: on the primary, what a majority has.
        case deciding
        /// Follows the URI's read preference and read concern.
        case asConfigured
        /// On the primary, with this read concern.
        case onPrimary(ReadConcern)
    }

    package init(
        sort: [(key: String, direction: Int32)] = [], limit: Int? = nil, projection: BSONDocument? = nil, batchSize: Int? = nil,
        reads: Reads = .deciding
    ) {
        self.sort = sort
        self.limit = limit
        self.projection = projection
        self.batchSize = batchSize
        self.reads = reads
    }

    /// Whether these are options of a find that are stages of a pipeline: MongoDB refuses them as fields of `aggregate`.
    var haveStages: Bool { !sort.isEmpty || limit != nil || projection != nil }

    /// The options document. A transaction has its own read concern, and refuses one here.
    func document(for request: CursorRequest, inTransaction: Bool) throws(BSONError) -> BSONDocument {
        var writer = BSONWriter()
        // Before 6.0 the server refuses to sort or group more than 100 MB unless it may use its disk (292); later versions may by default.
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
