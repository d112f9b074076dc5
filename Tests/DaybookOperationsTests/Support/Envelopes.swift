@testable import Daybook
import DaybookBSON
import Foundation

extension JournalEvent {
    /// A whole event document, as a writer makes it: its id grows with its place, and is another for each aggregate.
    static func document(
        _ aggregateID: String = "parcel/P-1", _ version: Int64 = 1, type: String = "sent",
        data: BSONDocument = ["n": 1],
        commandID: String? = nil
    ) throws -> BSONDocument {
        let hash = UInt64(aggregateID.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF })
        let id = EventID(milliseconds: 1_700_000_000_000 + UInt64(version), random: { hash << 32 }).uuid
        return try JournalEvent(
            id: id, aggregateID: aggregateID, version: version, type: type, schema: 1,
            recordedAt: BSONDate(milliseconds: 1_700_000_000_000 + version), commit: .init(id: id, index: 0, count: 1),
            metadata: EventMetadata(commandID: commandID)
        ).document(data: data)
    }
}
