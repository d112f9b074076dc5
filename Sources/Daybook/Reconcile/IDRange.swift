internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// Some ids of aggregates that follow one another in byte order: from `lower` on, up to `upper`, which is not among them.
struct IDRange: Sendable, Hashable {
    var lower: String
    var upper: String

    /// All ids of a type: they begin with it, and "0" follows "/".
    init(_ type: AggregateType) {
        self.init(lower: "\(type)/", upper: "\(type)0")
    }

    /// One id alone: nothing stands between it and itself with a NUL behind it.
    init(_ id: AggregateID) {
        self.init(lower: id.rawValue, upper: id.rawValue + "\0")
    }

    init(lower: String, upper: String) {
        self.lower = lower
        self.upper = upper
    }

    /// The condition on ids, behind `position` where some are done.
    func condition(after position: String?) -> BSONValue {
        position.map { ["$gt": .string($0), "$lt": .string(upper)] } ?? ["$gte": .string(lower), "$lt": .string(upper)]
    }

    /// The parts between `boundaries`, in order.
    func split(at boundaries: [String]) -> [IDRange] {
        var parts: [IDRange] = []
        var rest = self
        for boundary in boundaries where rest.lower.isBefore(boundary) && boundary.isBefore(rest.upper) {
            parts.append(IDRange(lower: rest.lower, upper: boundary))
            rest.lower = boundary
        }
        return parts + [rest]
    }
}

extension String {
    /// In the order of MongoDB, which is that of the UTF-8 bytes.
    func isBefore(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}

/// Some ids of the journal, taken from it at even distances in time, by which work is cut into parts and estimated.
///
/// Each takes one look into the index of `_id`, so it costs the same for any journal. Where all events came at one time, the parts are uneven,
/// and nothing worse.
struct JournalSample: Sendable {
    private static let looks = 96

    /// By their bytes.
    private(set) var ids: [String] = []
    /// About how many events the journal has.
    private(set) var events = 0

    init(of journal: Journal, on connection: isolated MongoConnection) throws {
        let reply = try connection.read(["count": .string(journal.namespace.collection)], database: journal.namespace.database)
        events = Int(reply["n"]?.number ?? 0)
        func look(_ filter: BSONDocument, direction: Int32) throws -> (id: UUID, aggregateID: String)? {
            let options = FindOptions(
                sort: [("_id", direction)], projection: ["aggregateId": 1], reads: .onPrimary(.local))
            return try connection.findOne(filter, in: journal.namespace, options: options) { document in
                guard let id = try? document.first("_id")?.uuid(), let text = try? document.first("aggregateId")?.string() else {
                    return nil
                }
                return (id, text)
            } ?? nil
        }
        guard let first = try look([:], direction: 1), let last = try look([:], direction: -1) else { return }
        let (from, to) = (EventID(first.id), EventID(last.id))
        guard from.isVersion7, to.isVersion7, to.milliseconds > from.milliseconds else { return }
        for step in 0..<UInt64(Self.looks) {
            let time = from.milliseconds + (to.milliseconds - from.milliseconds) * step / UInt64(Self.looks)
            let id = EventID(milliseconds: time, random: { 0 }).uuid
            if let found = try look(["_id": ["$gte": .binary(BSONBinary(id))]], direction: 1) { ids.append(found.aggregateID) }
        }
        ids.sort { $0.isBefore($1) }
    }

    /// At most `count` ranges that make up `range` and have about the same work.
    func parts(of range: IDRange, count: Int) -> [IDRange] {
        let inside = ids.filter { !$0.isBefore(range.lower) && $0.isBefore(range.upper) }
        guard count > 1, inside.count >= count else { return [range] }
        let boundaries = (1..<count).map { inside[$0 * inside.count / count] }
        return range.split(at: boundaries)
    }

    /// About how many events some ranges have.
    func events(in ranges: [IDRange]) -> Int {
        guard !ids.isEmpty else { return events }
        let inside = ids.filter { id in ranges.contains { !id.isBefore($0.lower) && id.isBefore($0.upper) } }
        return events * inside.count / ids.count
    }
}
