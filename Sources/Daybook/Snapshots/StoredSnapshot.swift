internal import Crypto
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// One document of a snapshot collection, before it is written.
struct StoredSnapshot {
    var aggregateID: AggregateID
    var version: Int64
    var state: BSONDocument
    var stateSchema: Int32
    var headID: UUID
    var createdAt: BSONDate
    var updatedAt: BSONDate

    /// - Parameter digest: ``digest``, where it is known.
    func document(digest: [UInt8]) throws -> BSONDocument {
        var writer = BSONWriter(capacity: 320 + state.bytes.count)
        writer.write(aggregateID.rawValue, forKey: "_id")
        writer.write(version, forKey: "version")
        writer.write(state, forKey: "state")
        writer.write(stateSchema, forKey: "stateSchema")
        writer.write(binary: digest, subtype: .generic, forKey: "digest")
        writer.beginDocument("head")
        writer.write(headID, forKey: "eventId")
        writer.write(updatedAt, forKey: "recordedAt")
        writer.end()
        writer.write(createdAt, forKey: "createdAt")
        writer.write(updatedAt, forKey: "updatedAt")
        return try writer.finish()
    }

    /// As it is stored with the state.
    var digest: [UInt8] {
        state.withBorrowed { state in
            Self.digest(
                aggregateID: aggregateID.rawValue, version: version, stateSchema: stateSchema, headID: headID,
                createdAt: createdAt, state: state)
        }
    }

    func document() throws -> BSONDocument { try document(digest: digest) }

    /// What a compare-and-set finds where this was written.
    var identity: BorrowedSnapshot.Identity {
        BorrowedSnapshot.Identity(
            version: .int64(version), digest: .binary(BSONBinary(bytes: digest)), stateSchema: stateSchema)
    }

    /// SHA-256 over everything the state stands for, each part of fixed length or preceded by its length, so that no two snapshots share
    /// the bytes that are hashed: the length of the id (4 bytes) and the id, the version (8), the schema (4), the head's event id (16), the
    /// milliseconds of `createdAt` (8), and the BSON of the state. Integers are little-endian. (`updatedAt` is the head's, and checked there.)
    static func digest(
        aggregateID: String, version: Int64, stateSchema: Int32, headID: UUID, createdAt: BSONDate, state: BorrowedDocument
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

/// A document of a snapshot collection while it is borrowed, read field by field: a document that someone has damaged is still read as far as
/// it goes, because it must never keep a load or a write from its work.
struct BorrowedSnapshot {
    /// What a compare-and-set compares: the version and the digest exactly as they stand there, whatever they are.
    struct Identity: Sendable, Hashable {
        var version: BSONValue?
        var digest: BSONValue?
        /// Of a newer deployment when it is higher than the declared one; then it is not ours to replace.
        var stateSchema: Int32?
    }

    private(set) var version: Int64?
    private(set) var stateSchema: Int32?
    private(set) var state: BorrowedDocument?
    private(set) var headID: UUID?
    private(set) var createdAt: BSONDate?
    private(set) var updatedAt: BSONDate?
    private(set) var id: String?
    // As they stand there.
    private var storedVersion: BorrowedElement?
    private var storedDigest: BorrowedElement?

    init(_ document: BorrowedDocument) throws {
        var elements = document.makeElements()
        while let element = try elements.next() {
            if element.hasKey("_id") {
                id = try? element.string()
            } else if element.hasKey("version") {
                storedVersion = element
                version = try? element.int64()
            } else if element.hasKey("state") {
                state = try? element.document()
            } else if element.hasKey("stateSchema") {
                stateSchema = try? element.int32()
            } else if element.hasKey("digest") {
                storedDigest = element
            } else if element.hasKey("head") {
                var head = try? element.document().makeElements()
                while let field = try? head?.next() {
                    if field.hasKey("eventId") { headID = try? field.uuid() }
                }
            } else if element.hasKey("createdAt") {
                createdAt = try? element.date()
            } else if element.hasKey("updatedAt") {
                updatedAt = try? element.date()
            }
        }
    }

    var identity: Identity {
        Identity(
            version: try? storedVersion?.value(), digest: try? storedDigest?.value(), stateSchema: stateSchema)
    }

    /// Whether the digest fits what it stands for.
    func isGenuine(for id: AggregateID) -> Bool {
        guard let version, let state, let headID, let createdAt, let stateSchema, let digest = try? storedDigest?.binary().bytes
        else { return false }
        let expected = StoredSnapshot.digest(
            aggregateID: id.rawValue, version: version, stateSchema: stateSchema, headID: headID, createdAt: createdAt,
            state: state)
        return expected.withUnsafeBytes { haveSameBytes($0, digest) }
    }
}
