@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation

extension JournalEvent {
    /// An event of `parcel/P-1`, by default one that is wanted first.
    static func sample(version: Int64 = 1, type: String = "lost", schema: Int32 = 1, commandID: String? = nil)
        -> JournalEvent
    {
        JournalEvent(
            id: UUID(milliseconds: 1_700_000_000_123, upper: 0xABC, lower: UInt64(truncatingIfNeeded: version)),
            aggregateID: "parcel/P-1",
            version: version, type: type, schema: schema, recordedAt: BSONDate(milliseconds: 1_700_000_000_123),
            commit: Commit(id: UUID(milliseconds: 1_700_000_000_123, upper: 0xABC, lower: 1), index: 0, count: 1),
            metadata: EventMetadata(commandID: commandID))
    }
}

extension BSONDocument {
    /// Its fields in order.
    var fields: [(key: String, value: BSONValue)] {
        get throws { try withBorrowed { try $0.map { (try $0.keyString, try $0.value()) } } }
    }

    var keys: [String] { get throws { try fields.map(\.key) } }

    /// What is at `a` or `a.b`.
    func value(at path: String) -> BSONValue? {
        let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return self[path] }
        guard case .document(let inner) = self[parts[0]] else { return nil }
        return inner.value(at: parts[1])
    }

    /// The same after it was cut and mended: length and final NUL fit what is left, so that the cut is met only by
    /// reading on.
    func cut(to count: Int) -> BSONDocument {
        var bytes = Array(bytes.prefix(max(4, count - 1))) + [0]
        withUnsafeBytes(of: Int32(bytes.count).littleEndian) { bytes.replaceSubrange(0..<4, with: $0) }
        return BSONDocument(unchecked: bytes)
    }

    /// The same with some bytes changed, apart from its own length.
    func corrupted(by generator: inout some RandomNumberGenerator) -> BSONDocument {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 4..<bytes.count, using: &generator)
            bytes[place] = Bool.random(using: &generator) ? .random(in: 0...255, using: &generator) : bytes[place] ^ 1
        }
        return BSONDocument(unchecked: bytes)
    }
}

/// Values of almost every BSON type, and edges of some.
let everyBSONValue: [BSONValue] = [
    .double(1), .double(.nan), .string(""), .string("x"), .document([:]), .document(["_id": 1]), .array([]),
    .array([1]),
    .binary(BSONBinary(bytes: [])), .binary(BSONBinary(bytes: Array(repeating: 0, count: 32))),
    .binary(BSONBinary(subtype: .uuid, bytes: [1, 2, 3])),
    .binary(BSONBinary(subtype: .outdatedUUID, bytes: Array(0..<16))),
    .binary(BSONBinary(UUID(milliseconds: 1, upper: 2, lower: 3))), .undefined, .bool(true),
    .datetime(BSONDate(milliseconds: .min)), .datetime(BSONDate(milliseconds: 0)), .null,
    .javascript("x"), .symbol("x"), .int32(1), .int32(.min), .int64(1), .int64(.max),
    .timestamp(BSONTimestamp(seconds: 1, increment: 2)), .minKey, .maxKey,
]

extension Fold {
    /// Folds an event from its stored bytes.
    mutating func apply(_ document: BSONDocument) throws {
        try document.withBorrowed { try apply(BorrowedEvent($0)) }
    }
}

extension Loader {
    /// One that is never asked to load.
    static var sample: Loader<A> {
        Loader(
            EventCoding(), snapshots: Namespace(database: "test", collection: A.snapshotCollection),
            journal: Journal(database: "test"), telemetry: Telemetry(logger: DaybookConfiguration(uri: "").logger))
    }
}

extension AggregateChange {
    /// What a commit of `events` would append.
    init<A: Aggregate>(_ events: [A.Event], _ fold: Fold<A>, commandID: String? = nil) throws {
        var fold = fold
        self.init(Loaded(fold: fold, basis: .read(nil)), of: Loader<A>.sample)
        try append(events, commandID: commandID, folding: &fold)
    }

    /// Adds events under a command's id.
    mutating func append<A: Aggregate>(_ events: [A.Event], commandID: String?, folding fold: inout Fold<A>) throws {
        let stored = try events.map(fold.coding.encode)
        try append(stored, command: try CommandIdentity(appending: stored, id: commandID), folding: &fold)
    }
}
