internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// A journal of many alike aggregates, made of one that Daybook wrote by putting other ids in its documents: so that a
/// million events are there in seconds, where the server can take them.
struct SyntheticJournal {
    /// Commits of one event each.
    static let eventsPerAggregate = 10
    private static let digits = 8
    private static let template = key(0)

    /// The key of an aggregate by its number.
    static func key(_ number: Int) -> String {
        let text = String(number)
        return "s-" + String(repeating: "0", count: digits - text.count) + text
    }

    /// A document with the places where the ids stand.
    private struct Pattern {
        var document: [UInt8]
        var idPlaces: [Int]
        var keyPlace: Int
    }

    private let database: BenchDatabase
    private let patterns: [Pattern]

    init(in database: BenchDatabase) async throws {
        self.database = database
        let recording = try await database.withRecordedStore { store in
            try await Recording.of {
                let batch = BulkBatch(clock: .system)
                for _ in 0..<Self.eventsPerAggregate {
                    try await batch.transaction { transaction in
                        try await transaction.execute(
                            .record(events: 1), on: Self.template, of: InlineLoan.self, expecting: nil, commandID: nil,
                            at: CodecSamples.date)
                    }
                }
                let loader = store.bulkLoader()
                try await loader.append(batch)
                try await loader.finish()
            }
        }
        patterns = try recording.events.map { event in
            let bytes = event.document.bytes
            guard case .binary(let id) = event.document["_id"], id.bytes.count == 16,
                let key = Self.places(of: Array(Self.template.utf8), in: bytes).first
            else { throw BenchError("an event of the journal has no id that could be replaced") }
            return Pattern(document: bytes, idPlaces: Self.places(of: Array(id.bytes), in: bytes), keyPlace: key + 2)
        }
    }

    /// Empties the database and fills the journal with `events` events.
    func fill(_ events: Int) async throws {
        try await database.reset(database.name)
        let aggregates = events / Self.eventsPerAggregate
        for start in stride(from: 0, to: aggregates, by: 2_000) {
            var bulk = BareBulk(insertsPerCommand: 200, threads: 2)
            for number in start..<min(start + 2_000, aggregates) {
                for (index, pattern) in patterns.enumerated() { append(pattern, number, index, to: &bulk) }
            }
            _ = try await database.bare.run(bulk, in: database.name)
        }
    }

    private func append(_ pattern: Pattern, _ number: Int, _ index: Int, to bulk: inout BareBulk) {
        var document = pattern.document
        var rest = number
        for place in (0..<Self.digits).reversed() {
            document[pattern.keyPlace + place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        // The time of a UUID of version 7 stays; the bits after its variant have room for a counter.
        let count = UInt64(number * Self.eventsPerAggregate + index)
        for place in pattern.idPlaces {
            for byte in 0..<7 { document[place + 15 - byte] = UInt8(truncatingIfNeeded: count >> (8 * UInt64(byte))) }
        }
        bulk.inserts += document
        bulk.insertCount += 1
    }

    private static func places(of part: [UInt8], in whole: [UInt8]) -> [Int] {
        guard part.count <= whole.count else { return [] }
        return (0...whole.count - part.count).filter { whole[$0..<$0 + part.count].elementsEqual(part) }
    }
}
