import ArgumentParser
@testable import DaybookAdmin
import DaybookBSON
import Testing

@Suite("The patch of a correction")
struct CorrectedFieldTests {
    private func patch(set: [String] = [], unset: [String] = []) throws -> BSONDocument {
        try CorrectedField.patch(
            of: set.map { try CorrectedField(assignment: $0) } + unset.map { try CorrectedField(removed: $0) })
    }

    @Test("values are extended JSON, paths lead inside, and what shares a path is merged")
    func values() throws {
        #expect(try patch(set: ["a=1"]) == ["a": .int32(1)])
        #expect(try patch(set: ["a=\"x=y\""]) == ["a": "x=y"])
        #expect(
            try patch(set: ["a={\"$date\": \"1970-01-01T00:00:01Z\"}"]) == [
                "a": .datetime(BSONDate(milliseconds: 1_000))
            ])
        #expect(
            try patch(set: ["a.b.c=true", "x=[1]", "a.b.d={\"k\": 2.5}"], unset: ["a.e"]) == [
                "a": ["b": ["c": true, "d": ["k": 2.5]], "e": nil], "x": [.int32(1)],
            ])
        #expect(try patch(unset: ["a"]) == ["a": nil])
    }

    @Test("a path has no more names than a document has levels", arguments: [201, 2_500, 5_000, 50_000])
    func depth(count: Int) throws {
        let path = Array(repeating: "x", count: count).joined(separator: ".")
        for attempt in [{ try self.patch(set: ["\(path)=1"]) }, { try self.patch(unset: [path]) }] {
            let error = #expect(throws: ValidationError.self) { _ = try attempt() }
            #expect(error?.message == "a path has at most 200 names")
        }
        #expect(try patch(set: [Array(repeating: "x", count: 200).joined(separator: ".") + "=1"]).fields.count == 1)
    }

    @Test("names are bytes: two spellings of one text are two fields")
    func bytes() throws {
        #expect(try patch(set: ["\u{E9}=1", "e\u{301}=2"]).fields.count == 2)
    }
}
