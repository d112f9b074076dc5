internal import DaybookBSON

/// The outcome of each operation of a bulk write.
package struct BulkResult: Sendable {
    package enum Outcome: Sendable {
        /// The server executed it. An update or a delete may have matched nothing.
        case done
        /// It took no effect, for this reason, and never will.
        case failed(MongoError)
        /// It was not sent, because an earlier operation of an ordered bulk failed. It took no effect.
        case notSent
        /// It may have taken effect, or may still do so: the connection broke after it was sent, a router lost a
        /// shard's reply, or the write concern was not met.
        case unknown(MongoError)
    }

    /// In the order of the operations.
    package internal(set) var outcomes: [Outcome]
    package internal(set) var inserted = 0
    package internal(set) var matched = 0
    package internal(set) var modified = 0
    package internal(set) var upserted = 0
    package internal(set) var deleted = 0

    init(count: Int) {
        outcomes = [Outcome](repeating: .notSent, count: count)
    }

    /// Whether every operation is known to have been executed.
    package var isComplete: Bool {
        outcomes.allSatisfy { if case .done = $0 { true } else { false } }
    }

    /// Adds the counts of a driver's reply. They include what was acknowledged, also in a reply with an error.
    mutating func count(_ reply: BSONDocument) {
        inserted += reply.count("nInserted")
        matched += reply.count("nMatched")
        modified += reply.count("nModified")
        upserted += reply.count("nUpserted")
        deleted += reply.count("nRemoved")
    }
}
