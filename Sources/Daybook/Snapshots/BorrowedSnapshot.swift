package import DaybookBSON
internal import DaybookMongo
package import Foundation

/// A document of a snapshot collection while it is borrowed. A damaged document is read as far as possible, because it
/// must never block a load or a write.
package struct BorrowedSnapshot {
    /// What a compare-and-set compares: the stored version and digest, even if they are malformed.
    struct Identity: Sendable, Hashable {
        var version: BSONValue?
        var digest: BSONValue?
        /// The stored schema. If it is higher than the declared one, the snapshot belongs to a newer deployment, and
        /// this one must not replace it.
        var stateSchema: Int32?

        func selector(id: BSONValue) -> BSONDocument {
            BorrowedSnapshot.selector(id: id, version: version, digest: digest)
        }
    }

    /// Matches a snapshot only while it is stored unchanged.
    ///
    /// - Parameter id: The condition on its `_id`.
    package static func selector(id: BSONValue, version: BSONValue?, digest: BSONValue?) -> BSONDocument {
        [
            SnapshotKey.id: id, SnapshotKey.version: .condition(equalTo: version),
            SnapshotKey.digest: .condition(equalTo: digest),
        ]
    }

    package private(set) var version: Int64?
    package private(set) var stateSchema: Int32?
    private(set) var state: BorrowedDocument?
    package private(set) var headID: UUID?
    private(set) var createdAt: BSONDate?
    private(set) var updatedAt: BSONDate?
    package private(set) var id: String?
    // As stored, which may be malformed.
    private var storedVersion: BorrowedElement?
    private var storedDigest: BorrowedElement?

    package init(_ document: BorrowedDocument) throws {
        var elements = document.makeElements()
        while let element = try elements.next() {
            if element.hasKey(SnapshotKey.id) {
                id = try? element.string()
            } else if element.hasKey(SnapshotKey.version) {
                storedVersion = element
                version = try? element.int64()
            } else if element.hasKey(SnapshotKey.state) {
                state = try? element.document()
            } else if element.hasKey(SnapshotKey.stateSchema) {
                stateSchema = try? element.int32()
            } else if element.hasKey(SnapshotKey.digest) {
                storedDigest = element
            } else if element.hasKey(SnapshotKey.head) {
                var head = try? element.document().makeElements()
                while let field = try? head?.next() {
                    if field.hasKey(SnapshotKey.headID) { headID = try? field.uuid() }
                }
            } else if element.hasKey(SnapshotKey.createdAt) {
                createdAt = try? element.date()
            } else if element.hasKey(SnapshotKey.updatedAt) {
                updatedAt = try? element.date()
            }
        }
    }

    var identity: Identity {
        Identity(
            version: try? storedVersion?.value(), digest: try? storedDigest?.value(), stateSchema: stateSchema)
    }

    /// Whether the digest is right for the rest of the snapshot.
    package func isGenuine(for id: AggregateID) -> Bool {
        guard let version, let state, let headID, let createdAt, let stateSchema,
            let digest = try? storedDigest?.binary().bytes
        else { return false }
        let expected = StoredSnapshot.digest(
            aggregateID: id.rawValue, version: version, stateSchema: stateSchema, headID: headID, createdAt: createdAt,
            state: state)
        return expected.withUnsafeBytes { haveSameBytes($0, digest) }
    }
}
