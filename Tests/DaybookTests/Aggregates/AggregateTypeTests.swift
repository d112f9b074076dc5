import Daybook
import SampleAggregates
import Testing

@Suite("AggregateType")
struct AggregateTypeTests {
    @Test(
        "a type is a lower-case letter, then letters, digits and hyphens",
        arguments: ["a", "z", "license", "a1", "a-", "a--b", "x9-0", String(repeating: "a", count: 64)])
    func accepted(text: String) throws {
        let type = try #require(AggregateType(rawValue: text))
        #expect(type.rawValue == text)
        #expect("\(type)" == text)
    }

    @Test(
        "any other text is no type",
        arguments: [
            "", " ", "A", "License", "licenseX", "1a", "-a", "a_b", "a.b", "a/b", "a b", " a", "a ", "a\n", "a\0", "\0",
            "ä",
            "a\u{301}", "ａ", "a😀", "`a", "a{", String(repeating: "a", count: 65),
        ])
    func refused(text: String) {
        #expect(AggregateType(rawValue: text) == nil)
    }

    @Test("every single byte of ASCII is a type when it is a lower-case letter, and not otherwise")
    func everyByte() {
        for byte in UInt8.min...0x7F {
            let text = String(UnicodeScalar(byte))
            let isLetter = ("a"..."z").contains(text)
            #expect((AggregateType(rawValue: text) != nil) == isLetter, "\(byte)")
            let follows = isLetter || ("0"..."9").contains(text) || text == "-"
            #expect((AggregateType(rawValue: "a" + text) != nil) == follows, "\(byte)")
        }
    }

    @Test("equal texts are equal types")
    func equality() {
        #expect(AggregateType(rawValue: "license") == "license")
        #expect(AggregateType(rawValue: "license") != "licenses")
        #expect(Set<AggregateType>(["a", "b", "a"]).count == 2)
    }

    @Test("a wrong literal ends the program")
    func wrongLiteral() async {
        await #expect(processExitsWith: .failure) {
            _ = AggregateType(stringLiteral: "Not A Type")
        }
    }

    @Test(
        "snapshots are in a collection named after the type unless the aggregate says otherwise, in schema 1, without fields"
    )
    func defaults() {
        #expect(Pulse<KeptInline>.snapshotCollection == "snapshots.inline-pulse")
        #expect(Pulse<KeptInline>.stateSchema == 1)
        #expect(Pulse<KeptInline>.fields.isEmpty)
    }
}
