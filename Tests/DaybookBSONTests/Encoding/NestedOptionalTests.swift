import DaybookBSON
import Foundation
import Testing

@Suite("optionals within optionals")
struct NestedOptionalTests {
    struct Fields: Codable {
        var date: Date??
        var number: Int??
        var deep: String???
        var value: BSONValue?
        var list: [Int??] = []
    }

    @Test("a decoded value encodes to the bytes that it was decoded from, whichever of the optionals is nil")
    func bytes() throws {
        let samples: [Fields] = [
            Fields(), Fields(date: .some(nil), number: .some(nil), deep: .some(nil), value: .null),
            Fields(deep: .some(.some(nil)), list: [nil, .some(nil), 1]),
            Fields(date: Date(timeIntervalSince1970: 0), number: 0, deep: "", value: 0, list: [0]),
        ]
        for sample in samples {
            let bytes = try BSONEncoder().encode(sample)
            #expect(try BSONEncoder().encode(BSONDecoder().decode(Fields.self, from: bytes)) == bytes)
        }
        #expect(try BSONEncoder().encode(samples[1]) == ["list": []])
        #expect(try BSONEncoder().encode(samples[3])["deep"] == "")
    }
}
