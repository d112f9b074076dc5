package import DaybookBSON

/// One write of a bulk write.
package enum BulkOperation: Sendable {
    case insert(BSONDocument)
    case updateOne(BSONDocument, update: BSONDocument, upsert: Bool = false)
    case updateMany(BSONDocument, update: BSONDocument)
    case replaceOne(BSONDocument, replacement: BSONDocument, upsert: Bool = false)
    case deleteOne(BSONDocument)
    case deleteMany(BSONDocument)

    /// One command has operations of one kind only.
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

    /// The operation's size in a message, including what surrounds it.
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
