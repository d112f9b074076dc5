import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("random Codable shapes")
struct RandomShapeTests {
    /// A tree that encodes itself with a random choice of the ways there are, and is read by asking what is there.
    indirect enum Shape: Codable, Equatable {
        case null, bool(Bool), int(Int64), double(Double), text(String), date(Date), data(Data)
        case list([Shape])
        case object([String: Shape])

        init(from decoder: any Decoder) throws {
            if let container = try? decoder.container(keyedBy: AnyKey.self) {
                var fields: [String: Shape] = [:]
                // From the last to the first, against the order in which they were written.
                for key in container.allKeys.reversed() {
                    if try container.decodeNil(forKey: key) {
                        fields[key.stringValue] = .null
                    } else if let nested = try? container.nestedUnkeyedContainer(forKey: key) {
                        fields[key.stringValue] = .list(try Self.list(nested))
                    } else {
                        fields[key.stringValue] = try Shape(from: container.superDecoder(forKey: key))
                    }
                }
                self = .object(fields)
            } else if let container = try? decoder.unkeyedContainer() {
                self = .list(try Self.list(container))
            } else {
                self = try Self.single(decoder.singleValueContainer())
            }
        }

        private static func list(_ container: any UnkeyedDecodingContainer) throws -> [Shape] {
            var container = container
            var shapes: [Shape] = []
            while !container.isAtEnd {
                shapes.append(try container.decodeIfPresent(Shape.self) ?? .null)
            }
            return shapes
        }

        private static func single(_ container: any SingleValueDecodingContainer) throws -> Shape {
            if container.decodeNil() { return .null }
            if let value = try? container.decode(Bool.self) { return .bool(value) }
            if let value = try? container.decode(String.self) { return .text(value) }
            if let value = try? container.decode(Date.self) { return .date(value) }
            if let value = try? container.decode(Data.self) { return .data(value) }
            // A whole double would pass for an integer; the stored type tells.
            if case .int64(let value) = try container.decode(BSONValue.self) { return .int(value) }
            return .double(try container.decode(Double.self))
        }

        /// How the container is used depends on the size, so that every way occurs.
        func encode(to encoder: any Encoder) throws {
            switch self {
            case .list(let shapes):
                var container = encoder.unkeyedContainer()
                for (index, shape) in shapes.enumerated() {
                    switch (shape, (index + shapes.count) % 3) {
                    case (.null, _): try container.encodeNil()
                    case (.list(let inner), 0):
                        var nested = container.nestedUnkeyedContainer()
                        for shape in inner { try nested.encode(shape) }
                    case (_, 1): try shape.encode(to: container.superEncoder())
                    default: try container.encode(shape)
                    }
                }
            case .object(let fields):
                var container = encoder.container(keyedBy: AnyKey.self)
                // Containers that stay open while others are written.
                var open: [(Shape, any UnkeyedEncodingContainer)] = []
                var late: [(Shape, any Encoder)] = []
                for (index, (key, shape)) in fields.sorted(by: { $0.key < $1.key }).enumerated() {
                    let key = AnyKey(stringValue: key)
                    switch (shape, (index + fields.count) % 3) {
                    case (.null, _): try container.encodeNil(forKey: key)
                    case (.list, 0): open.append((shape, container.nestedUnkeyedContainer(forKey: key)))
                    case (_, 1): late.append((shape, container.superEncoder(forKey: key)))
                    default: try container.encode(shape, forKey: key)
                    }
                }
                for (shape, encoder) in late.reversed() { try shape.encode(to: encoder) }
                for (shape, container) in open.reversed() {
                    guard case .list(let inner) = shape else { continue }
                    var container = container
                    for shape in inner { try container.encode(shape) }
                }
            case .null:
                var container = encoder.singleValueContainer()
                try container.encodeNil()
            case .bool(let value): try Self.encode(value, encoder)
            case .int(let value): try Self.encode(value, encoder)
            case .double(let value): try Self.encode(value, encoder)
            case .text(let value): try Self.encode(value, encoder)
            case .date(let value): try Self.encode(value, encoder)
            case .data(let value): try Self.encode(value, encoder)
            }
        }

        private static func encode(_ value: some Encodable, _ encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(value)
        }

        static func random(_ random: inout RandomBSON, depth: Int) -> Shape {
            switch random.number(0...(depth > 0 ? 9 : 6)) {
            case 0: return .null
            case 1: return .bool(random.number(0...1) == 1)
            case 2: return .int(random.integer())
            case 3:
                let value = random.double()
                return .double(value.isNaN ? 0.5 : value)
            case 4: return .text(random.text(upTo: 12))
            case 5: return .date(Date(timeIntervalSince1970: Double(random.number(-1_000_000...1_000_000_000)) / 8))
            case 6: return .data(Data(random.bytes(random.number(0...9))))
            case 7: return .list((0..<random.number(0...5)).map { _ in Shape.random(&random, depth: depth - 1) })
            default: return object(&random, depth: depth)
            }
        }

        static func object(_ random: inout RandomBSON, depth: Int) -> Shape {
            var fields: [String: Shape] = [:]
            for index in 0..<random.number(0...6) {
                fields["\(random.text(upTo: 4, isKey: true))\(index)"] = Shape.random(&random, depth: depth - 1)
            }
            return .object(fields)
        }
    }

    /// Everything a synthesized conformance does, generic and nested.
    struct Record<Payload: Codable & Hashable>: Codable, Equatable {
        enum State: Codable, Hashable { case idle, busy(since: Date, by: [String]), done(Payload?) }
        var payload: Payload
        var optional: Payload?
        var list: [Payload?]
        var set: Set<Payload>
        var byText: [String: [Payload]]
        var byPayload: [Payload: Int8]
        var states: [State]
        var bytes: [UInt8]
        var unsigned: UInt16
    }

    @Test("a random tree written through random containers is read back, and written again as the same bytes")
    func trees() throws {
        for seed in 0..<UInt64(testCases) {
            var random = RandomBSON(seed: seed)
            let shape = Shape.object(&random, depth: 4)
            let document = try BSONEncoder().encode(shape)
            #expect(try BSONDocument(validating: document.bytes) == document, "seed \(seed)")
            #expect(document.isValidToLibbson, "seed \(seed)")
            let back = try BSONDecoder().decode(Shape.self, from: document)
            #expect(back == shape, "seed \(seed)")
            #expect(try BSONEncoder().encode(back) == document, "seed \(seed)")
        }
    }

    private func check<Payload: Codable & Hashable>(_ seed: UInt64, _ make: (inout RandomBSON) -> Payload) throws {
        var random = RandomBSON(seed: seed)
        func some(_ count: Int) -> [Payload] { (0..<random.number(0...count)).map { _ in make(&random) } }
        let record = Record(
            payload: make(&random), optional: some(1).first, list: some(3) + [nil], set: Set(some(6)),
            byText: ["a": some(2), "b\(seed)": some(2)], byPayload: Dictionary(some(4).map { ($0, 1) }) { a, _ in a },
            states: [.idle, .busy(since: Date(timeIntervalSince1970: Double(seed)), by: ["x"]), .done(some(1).first)],
            bytes: random.bytes(5), unsigned: UInt16(random.number(0...65535)))
        let document = try BSONEncoder().encode(record)
        let back = try BSONDecoder().decode(Record<Payload>.self, from: document)
        #expect(back == record, "seed \(seed)")
        #expect(try BSONEncoder().encode(back) == document, "seed \(seed)")
        #expect(document.isValidToLibbson, "seed \(seed)")
    }

    @Test("a generic record of random values survives a round trip, whatever its payload")
    func records() throws {
        for seed in 0..<UInt64(max(testCases / 5, 10)) {
            try check(seed) { $0.integer() }
            try check(seed) { $0.text(upTo: 6, isKey: true) + "k" }
            try check(seed) { Double($0.number(-1000...1000)) / 8 }
            try check(seed) { Date(timeIntervalSince1970: Double($0.number(-100_000...100_000)) / 8) }
            try check(seed) { random in
                UUID(uuid: random.bytes(16).withUnsafeBytes { $0.loadUnaligned(as: uuid_t.self) })
            }
            try check(seed) { Decimal(Int($0.number(-9999...9999))) / 100 }
            try check(seed) { [$0.text(upTo: 3, isKey: true) + "k": Int($0.number(0...9))] }
            // Neither null nor undefined, which an optional reads as nil.
            try check(seed) { random in
                let value = (try? random.value(depth: 2)) ?? .minKey as BSONValue
                return [.null, .undefined].contains(value.type) ? .minKey : value
            }
        }
    }
}
