import Foundation

/// A value whose encoding depends on nothing but the value, made of all that could make it depend on the process:
/// dictionaries and sets, whose order follows a seed that every process draws anew, and dates.
struct Fixture: Codable, Equatable {
    enum Color: String, Codable, CaseIterable { case red, green, blue, cyan, black }
    struct Pair: Codable, Hashable { var number: Int, text: String }

    var byText = Dictionary(uniqueKeysWithValues: (0..<40).map { ("key\($0)é", $0) })
    var byNumber = Dictionary(uniqueKeysWithValues: (-20..<20).map { ($0, [$0: "\($0)"]) })
    var byColor = Dictionary(uniqueKeysWithValues: Color.allCases.map { ($0, Set([$0.rawValue, "x", "y"])) })
    var byPair = Dictionary(uniqueKeysWithValues: (0..<20).map { (Pair(number: $0 % 3, text: "\($0)"), Set(0...$0)) })
    var texts = Set((0..<40).map { "text \($0)" })
    var pairs = Set((0..<20).map { Pair(number: $0, text: "p") })
    var sets: Set<Set<Int>> = [[1, 2, 3], [4], [], [5, 6]]
    var nested = [["all": Set(Color.allCases)], ["none": []]]
    var dates = Set((0..<10).map { Date(timeIntervalSince1970: Double($0) * 1e5 + 0.0004) })
    var date = Date(timeIntervalSince1970: 1_700_000_000.123_456)
    var id = UUID(uuid: (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
    var decimal = Decimal(12345) / 100
}
