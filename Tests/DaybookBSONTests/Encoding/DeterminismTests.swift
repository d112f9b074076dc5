import DaybookBSON
import Foundation
import Testing

@Suite("deterministic encoding")
struct DeterminismTests {
    enum Color: String, Codable, CodingKeyRepresentable, CaseIterable { case red, green, blue }
    enum Plain: String, Codable, CaseIterable { case zeta, alpha, mid }
    struct Pair: Codable, Hashable { var a: Int, b: String }

    struct Bag: Codable, Equatable {
        var fields: [String: Int] = [:]
        var byInt: [Int: String] = [:]
        var byColor: [Color: Int] = [:]
        var byPlain: [Plain: Int] = [:]
        var byPair: [Pair: [String: Int]] = [:]
        var set: Set<String> = []
        var pairs: Set<Pair> = []
        var nested: [[String: Set<Int>]] = []
        var optional: [String: Int]?
        var optionalSet: Set<Int>??
    }

    /// Two equal bags whose hash tables differ: filled in another order, at another capacity.
    static func bags() -> (Bag, Bag) {
        var (one, two) = (Bag(), Bag())
        two.fields.reserveCapacity(1000)
        two.set.reserveCapacity(500)
        two.byPair.reserveCapacity(300)
        let numbers = Array(0..<60)
        for (bag, order) in [(0, numbers), (1, numbers.reversed())] {
            func fill(_ value: inout Bag) {
                for n in order {
                    value.fields["k\(n)é"] = n
                    value.byInt[n - 30] = "v"
                    value.byPair[Pair(a: n % 7, b: "\(n)")] = ["x\(n)": n, "y\(n)": n]
                    value.set.insert("s\(n)")
                    value.pairs.insert(Pair(a: n, b: "p"))
                }
                for color in bag == 0 ? Color.allCases : Color.allCases.reversed() { value.byColor[color] = 1 }
                for plain in bag == 0 ? Plain.allCases : Plain.allCases.reversed() { value.byPlain[plain] = 1 }
                let values = Dictionary(
                    uniqueKeysWithValues: order.map { ("n\($0)", Set(order.prefix(20 + $0 % 2 * 0))) })
                value.nested = [["all": Set(order)], values.mapValues { _ in Set(order) }]
                value.optional = value.fields
                value.optionalSet = Set(order)
            }
            if bag == 0 { fill(&one) } else { fill(&two) }
        }
        return (one, two)
    }

    @Test(
        "keys that are encoded alike, as dates within a millisecond, stand in the order of their values; decoded, they are one"
    )
    func likeKeys() throws {
        struct Dates: Codable { var counts: [Date: Int] = [:], set: Set<Date> = [] }
        let date = Date(timeIntervalSince1970: 1_750_000_000)
        let numbers = Array(0..<40)
        let documents = try [numbers, numbers.reversed(), numbers.shuffled()].map { order in
            var dates = Dates()
            dates.counts.reserveCapacity(order.last == 0 ? 400 : 1)
            for number in order {
                dates.counts[date + Double(number) * 0.000_01] = number
                dates.set.insert(date + Double(number) * 0.000_01)
            }
            return try BSONEncoder().encodeNotingDates(dates)
        }
        #expect(Set(documents.map(\.document)).count == 1)
        #expect(documents.allSatisfy { !$0.hasExactDates })
        let decoded = try BSONDecoder().decode(Dates.self, from: documents[0].document)
        #expect(decoded.counts == [date: 39] && decoded.set == [date])
        #expect(try BSONEncoder().encodeNotingDates(decoded).hasExactDates)
    }

    @Test("equal dictionaries and sets are equal bytes, wherever they are and however they were built")
    func equalBytes() throws {
        let (one, two) = Self.bags()
        #expect(one == two)
        #expect(Array(one.fields.keys) != Array(two.fields.keys), "the test needs tables that iterate differently")
        let document = try BSONEncoder().encode(one)
        #expect(try BSONEncoder().encode(two) == document)
        #expect(document.isValidToLibbson)
        #expect(try BSONDecoder().decode(Bag.self, from: document) == one)
    }

    @Test("dictionary fields are sorted by the bytes of their keys, not by Unicode or number")
    func fieldOrder() throws {
        let texts = ["b": 1, "a": 2, "Z": 3, "é": 4, "zz": 5, "z": 6, "e\u{301}x": 7, "\u{10000}": 8, "\u{FFFF}": 9]
        let document = try BSONEncoder().encode(texts)
        let keys = try document.withBorrowed { try $0.map { try $0.keyString } }
        #expect(keys == texts.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        #expect(try BSONEncoder().encode([10: 1, 9: 2, -1: 3]) == ["-1": 3, "10": 1, "9": 2])
        #expect(try BSONEncoder().encode([Color.red: 1, .blue: 2]) == ["blue": 2, "red": 1])
    }

    @Test("dictionaries of other keys are pairs sorted by key, sets are sorted by element")
    func arrays() throws {
        #expect(
            try BSONEncoder().encodeValue([Plain.zeta: 1, .alpha: 2, .mid: 3]) == ["mid", 3, "zeta", 1, "alpha", 2])
        #expect(try BSONEncoder().encodeValue(Set(["b", "a", "ccc"])) == ["a", "b", "ccc"])
        #expect(
            try BSONEncoder().encodeValue(Set<BSONValue>([.int64(1), .int32(9), "x", nil])) == [
                "x", nil, .int32(9), .int64(1),
            ])
        let many = try BSONEncoder().encodeValue(Set(0..<200))
        #expect(many == .array((0..<200).map { .int64($0) }))
    }

    @Test("a dictionary that a type encodes as its own fields is sorted, and only the dictionary is")
    func direct() throws {
        struct Wrapper: Encodable {
            var extras: [String: Int]
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode(1, forKey: "zz")
                try extras.encode(to: encoder)
                try container.encode(2, forKey: "aa")
                var other = encoder.container(keyedBy: AnyKey.self)
                try other.encode(3, forKey: "a")
            }
        }
        let extras = Dictionary(uniqueKeysWithValues: (10..<50).map { ("k\($0)", $0) })
        var fields: [(String, BSONValue)] = [("zz", 1)]
        fields += (10..<50).map { ("k\($0)", .int64(Int64($0))) }
        fields += [("aa", 2), ("a", 3)]
        var expected = BSONDocument()
        for (key, value) in fields { try expected.append(key, value) }
        #expect(try BSONEncoder().encode(Wrapper(extras: extras)) == expected)
    }

    @Test("a dictionary or set encoded late, through a super encoder, is sorted too")
    func late() throws {
        struct Late: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                let (first, second) = (
                    container.superEncoder(forKey: "first"), container.superEncoder(forKey: "second")
                )
                try container.encode(0, forKey: "between")
                try Dictionary(uniqueKeysWithValues: (10..<30).map { ("k\($0)", $0) }).encode(to: first)
                var single = second.singleValueContainer()
                try single.encode(Set(0..<30))
            }
        }
        var fields = BSONDocument()
        for n in 10..<30 { try fields.append("k\(n)", .int64(Int64(n))) }
        let document = try BSONEncoder().encode(Late())
        #expect(document["first"] == .document(fields))
        #expect(document["second"] == .array((0..<30).map { .int64($0) }))
        #expect(document.isValidToLibbson)
    }

    @Test("dates are rounded to the millisecond, so that equal instants are equal bytes")
    func dates() throws {
        let (a, b) = (Date(timeIntervalSince1970: 1.0004), Date(timeIntervalSince1970: 0.9996))
        #expect(try BSONEncoder().encodeValue(a) == .datetime(BSONDate(milliseconds: 1000)))
        #expect(
            try BSONEncoder().encodeValue([a, b])
                == .array([.datetime(BSONDate(milliseconds: 1000)), .datetime(BSONDate(milliseconds: 1000))]))
    }
}
