internal import Crypto
package import DaybookBSON
package import Foundation

/// One document of a snapshot collection, before it is written.
package struct StoredSnapshot {
    package var aggregateID: AggregateID
    package var version: Int64
    package var state: BSONDocument
    package var stateSchema: Int32
    package var headID: UUID
    package var createdAt: BSONDate
    package var updatedAt: BSONDate

    package init(
        aggregateID: AggregateID, version: Int64, state: BSONDocument, stateSchema: Int32, headID: UUID,
        createdAt: BSONDate,
        updatedAt: BSONDate
    ) {
        self.aggregateID = aggregateID
        self.version = version
        self.state = state
        self.stateSchema = stateSchema
        self.headID = headID
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// - Parameter digest: The value of ``digest``, if it was already computed.
    func document(digest: [UInt8]) throws -> BSONDocument {
        var writer = BSONWriter(capacity: 320 + state.bytes.count)
        writer.write(aggregateID.rawValue, forKey: SnapshotKey.id)
        writer.write(version, forKey: SnapshotKey.version)
        writer.write(state, forKey: SnapshotKey.state)
        writer.write(stateSchema, forKey: SnapshotKey.stateSchema)
        writer.write(binary: digest, subtype: .generic, forKey: SnapshotKey.digest)
        writer.beginDocument(SnapshotKey.head)
        writer.write(headID, forKey: SnapshotKey.headID)
        writer.write(updatedAt, forKey: SnapshotKey.headRecordedAt)
        writer.end()
        writer.write(createdAt, forKey: SnapshotKey.createdAt)
        writer.write(updatedAt, forKey: SnapshotKey.updatedAt)
        return try writer.finish()
    }

    /// The digest that is stored with the state.
    var digest: [UInt8] {
        state.withBorrowed { state in
            Self.digest(
                aggregateID: aggregateID.rawValue, version: version, stateSchema: stateSchema, headID: headID,
                createdAt: createdAt, state: state)
        }
    }

    package func document() throws -> BSONDocument { try document(digest: digest) }

    /// The identity for a later compare-and-set on this snapshot.
    ///
    /// - Parameter digest: The value of ``digest``, if it was already computed.
    func identity(digest: [UInt8]) -> BorrowedSnapshot.Identity {
        BorrowedSnapshot.Identity(
            version: .int64(version), digest: .binary(BSONBinary(bytes: digest)), stateSchema: stateSchema)
    }

    /// SHA-256 over what the snapshot states. Each part has a fixed length or is preceded by its length, so that no two
    /// snapshots hash the same bytes. The parts are: the length of the id (4 bytes) and the id, the version (8), the
    /// schema (4), the head's event id (16), the milliseconds of `createdAt` (8), and the BSON of the state. Integers
    /// are little-endian. (`updatedAt` is checked against the head event.)
    static func digest(
        aggregateID: String, version: Int64, stateSchema: Int32, headID: UUID, createdAt: BSONDate,
        state: BorrowedDocument
    ) -> [UInt8] {
        var hash = SHA256()
        var id = aggregateID
        id.withUTF8 { id in
            withUnsafeBytes(of: UInt32(id.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(bufferPointer: UnsafeRawBufferPointer(id))
        }
        withUnsafeBytes(of: version.littleEndian) { hash.update(bufferPointer: $0) }
        withUnsafeBytes(of: stateSchema.littleEndian) { hash.update(bufferPointer: $0) }
        withUnsafeBytes(of: headID.uuid) { hash.update(bufferPointer: $0) }
        withUnsafeBytes(of: createdAt.milliseconds.littleEndian) { hash.update(bufferPointer: $0) }
        hash.update(bufferPointer: state.bytes)
        return hash.finalize().withUnsafeBytes { Array($0) }
    }
}
