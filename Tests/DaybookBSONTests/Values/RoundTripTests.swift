import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("round trips of random values")
struct RoundTripTests {
    @Test("a random document is valid, is read and written back by every way to the same bytes")
    func documents() throws {
        var types: Set<BSONType> = []
        for seed in 0..<UInt64(testCases) {
            var random = RandomBSON(seed: seed)
            let document = try random.document()
            #expect(document.isValidToLibbson, "seed \(seed)")
            #expect(try BSONDocument(validating: document.bytes) == document, "seed \(seed)")
            // By values.
            var copy = BSONDocument()
            try document.withBorrowed { borrowed in
                var elements = borrowed.makeElements()
                while let element = try elements.next() {
                    types.insert(element.type)
                    let value = try element.value()
                    #expect(value == value && value.hashValue == value.hashValue)
                    try copy.append(element.keyString, value)
                }
            }
            #expect(copy == document, "seed \(seed)")
            // By Codable: a dictionary comes back in the order of its keys.
            let decoded = try BSONDecoder().decode([String: BSONValue].self, from: document)
            let encoded = try BSONEncoder().encode(decoded)
            #expect(try BSONDecoder().decode([String: BSONValue].self, from: encoded) == decoded, "seed \(seed)")
            #expect(encoded.bytes.count == document.bytes.count, "seed \(seed)")
            #expect(try BSONDecoder().decode(BSONDocument.self, from: document) == document, "seed \(seed)")
        }
        if testCases >= 100 { #expect(types == Set(BSONType.allCases)) }
    }

    @Test("each type alone survives as a field, in an array and as an associated value")
    func eachType() throws {
        enum Event: Codable, Equatable { case changed(to: BSONValue, all: [BSONValue], named: [String: BSONValue]) }
        for seed in 0..<UInt64(max(testCases / 20, 10)) {
            for type in BSONType.allCases {
                var random = RandomBSON(seed: seed)
                let value = try random.value(type, depth: 3)
                #expect(value.type == type)
                let event = Event.changed(to: value, all: [value, value], named: ["k": value])
                let (name, payload) = try BSONEncoder().encodeCase(event)
                let back = try payload.withBorrowed {
                    try BSONDecoder().decodeCase(Event.self, name: name, payload: $0)
                }
                #expect(back == event, "seed \(seed) \(type)")
                #expect(try BSONEncoder().encodeCase(back).payload == payload, "seed \(seed) \(type)")
            }
        }
    }
}
