@testable import Daybook
import DaybookBSON
import Foundation
import Testing

private enum Color: String, Codable, CaseIterable { case red, blue }

private struct Right: Passive {
    struct Inner: Codable { var city = "here", note: String? }
    struct Item: Codable { var name = "" }

    static let fields: [Field<Right>] = [
        Field("total", \.total), Field("due", \.due), Field("color", \.color), Field("maybe", \.maybe),
        Field("inner.city", \.inner.city),
        Field("inner.note", \.inner.note), Field("items.name", \.names), Field("tags", \.tags), Field("left", \.left),
    ]
    var total = 0, due: Date?, color = Color.red, maybe: Color?, inner = Inner(), items = [Item()],
        tags: Set<String> = []
    var left: Int?
    var names: [String] { items.map(\.name) }
}

private struct Renamed: Passive {
    enum CodingKeys: String, CodingKey { case total = "sum" }
    static let fields: [Field<Renamed>] = [Field("total", \.total)]
    var total = 0
}

private struct RenamedOptional: Passive {
    enum CodingKeys: String, CodingKey {
        case due = "dueAt"
        case color
    }
    static let fields: [Field<RenamedOptional>] = [Field("color", \.color), Field("due", \.due)]
    var due: Date?, color: Color?
}

private struct Confused: Passive {
    static let fields: [Field<Confused>] = [Field("a", \.b)]
    var a = "x", b = "y"
}

/// Leaves out what is zero: then nothing is wrong with its field.
private struct Sparing: Passive {
    enum CodingKeys: CodingKey { case total, count }
    static let fields: [Field<Sparing>] = [Field("total", \.total)]
    var total = 0, count = 0

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        total = try container.decodeIfPresent(Int.self, forKey: .total) ?? 0
        count = try container.decode(Int.self, forKey: .count)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if total != 0 { try container.encode(total, forKey: .total) }
        try container.encode(count, forKey: .count)
    }
}

private struct Opaque: Passive {
    struct Code: Codable { var text = "" }
    enum CodingKeys: String, CodingKey { case code = "c" }
    static let fields: [Field<Opaque>] = [Field("code", \.code)]
    var code: Code?
}

@Suite("The names of fields")
struct FieldCheckTests {
    @Test("field names of the encoded state pass, also where the initial state has no value or leaves it out")
    func right() throws {
        try Right.checkFields()
        try Sparing.checkFields()
        // Nothing can be said of it.
        try Opaque.checkFields()
    }

    @Test("other field names are an error with both names, also where the initial state has no value")
    func wrong() {
        func expect<A: Aggregate>(_ aggregate: A.Type, _ declared: String, _ encoded: String) {
            let error = #expect(throws: DaybookError.self) { try A.checkFields() }
            #expect(error?.code == .invalidConfiguration)
            #expect(
                error?.message.contains(
                    "declares the field \"\(declared)\" for a value that is encoded as \"\(encoded)\"")
                    == true,
                "\(error?.message ?? "")")
        }
        expect(Renamed.self, "total", "sum")
        expect(RenamedOptional.self, "due", "dueAt")
        expect(Confused.self, "a", "b")
    }

    @Test("field names are compared with a state: a field without a value is not judged")
    func states() throws {
        func faults<A: Aggregate>(_ state: A) throws -> [String] {
            A.fieldFaults(in: state, encodedAs: try BSONEncoder().encode(state))
        }
        var right = Right()
        #expect(try faults(right) == [])
        right.due = Date(timeIntervalSince1970: 1_750_000_000.000_4)
        right.inner.note = "n"
        right.tags = ["a", "b"]
        #expect(try faults(right) == [])
        #expect(try faults(RenamedOptional()) == [])
        var renamed = RenamedOptional()
        renamed.due = .distantPast
        let found = try faults(renamed)
        #expect(found.count == 1 && found[0].contains("\"due\"") && found[0].contains("\"dueAt\""), "\(found)")
        #expect(try faults(Confused()).first?.contains("its value is that of \"b\"") == true)
        var opaque = Opaque()
        opaque.code = .init(text: "x")
        #expect(try faults(opaque).first?.contains("its value is that of \"c\"") == true)
    }
}
