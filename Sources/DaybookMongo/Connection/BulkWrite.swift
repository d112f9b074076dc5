package import DaybookBSON

/// One write among others that travel together.
package enum BulkOperation: Sendable {
    case insert(BSONDocument)
    case updateOne(BSONDocument, update: BSONDocument, upsert: Bool = false)
    case updateMany(BSONDocument, update: BSONDocument)
    case replaceOne(BSONDocument, replacement: BSONDocument, upsert: Bool = false)
    case deleteOne(BSONDocument)
    case deleteMany(BSONDocument)

    /// Operations of one kind travel in one command.
    enum Kind: Int, CaseIterable { case insert, update, delete }

    var kind: Kind {
        switch self {
        case .insert: .insert
        case .updateOne, .updateMany, .replaceOne: .update
        case .deleteOne, .deleteMany: .delete
        }
    }

    /// The document that would be stored.
    package var stored: BSONDocument? {
        switch self {
        case .insert(let document), .replaceOne(_, replacement: let document, upsert: _): document
        default: nil
        }
    }

    /// What it takes in a message, with room for what is around it.
    package var byteCount: Int {
        switch self {
        case .insert(let document): document.bytes.count + 16
        case .updateOne(let selector, let change, _), .updateMany(let selector, let change),
            .replaceOne(let selector, let change, _):
            selector.bytes.count + change.bytes.count + 64
        case .deleteOne(let selector), .deleteMany(let selector): selector.bytes.count + 64
        }
    }
}

/// What became of each operation of a bulk write.
package struct BulkResult: Sendable {
    package enum Outcome: Sendable {
        /// The server has done it; an update or a delete may have matched nothing.
        case done
        /// It took no effect, for this reason, and never will.
        case failed(MongoError)
        /// It was not sent, because an earlier operation of an ordered bulk failed. It took no effect.
        case notSent
        /// The connection broke after it was sent, a router lost the answer of a shard, or the write concern was not met: it may have taken effect,
        /// and may still.
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

    /// Whether every operation is known to have been done.
    package var isComplete: Bool {
        outcomes.allSatisfy { if case .done = $0 { true } else { false } }
    }

    /// Adds up what a reply of the driver counts. It counts what was acknowledged also when it tells of an error.
    mutating func count(_ reply: BSONDocument) {
        inserted += reply.count("nInserted")
        matched += reply.count("nMatched")
        modified += reply.count("nModified")
        upserted += reply.count("nUpserted")
        deleted += reply.count("nRemoved")
    }
}
