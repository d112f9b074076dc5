@testable import Daybook
import DaybookBSON
import TestSupport
import Testing

@Suite("A merge patch")
struct MergePatchTests {
    /// RFC 7396, appendix A, each value as that of a field: a document's root is always a document.
    private static let appendixA: [(original: String, patch: String, result: String?)] = [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
        (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#),
        (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
        (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
        (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
        (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#),
        (#"{"a":"foo"}"#, #"null"#, nil),
        (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
        (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
        (#"[1,2]"#, #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
        (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ]

    @Test("a merge patch is merged as in RFC 7396", arguments: appendixA.indices)
    func examples(index: Int) throws {
        let (original, patch, result) = Self.appendixA[index]
        let merged = try BSONDocument(extendedJSON: "{\"v\":\(original)}")
            .merging(BSONDocument(extendedJSON: "{\"v\":\(patch)}"))
        #expect(merged == (try BSONDocument(extendedJSON: result.map { "{\"v\":\($0)}" } ?? "{}")))
        // And as the root, where both are objects.
        guard original.hasPrefix("{"), patch.hasPrefix("{"), let result else { return }
        let root = try BSONDocument(extendedJSON: original).merging(BSONDocument(extendedJSON: patch))
        #expect(root == (try BSONDocument(extendedJSON: result)))
    }

    @Test("a merge patch leaves fields in their places, and adds new ones at the end in its own order")
    func order() throws {
        let state: BSONDocument = ["a": 1, "b": ["x": 1, "y": 2], "c": 3]
        #expect(
            try state.merging(["z": 9, "b": ["y": 5, "w": 0], "a": 7, "d": 4])
                == ["a": 7, "b": ["x": 1, "y": 5, "w": 0], "c": 3, "z": 9, "d": 4])
    }

    @Test("a merge patch keeps the type of every value that it sets or leaves")
    func types() throws {
        for value in everyBSONValue {
            let kept = try BSONDocument(fields: [("kept", value)])
            #expect(try kept.merging(["other": 1]).fields.first?.value.description == value.description)
            guard value != .null, value.documentValue == nil else { continue }
            #expect(try BSONDocument().merging(kept).bytes == kept.bytes)
        }
    }

    @Test("an empty merge patch changes nothing, and one that is applied twice changes what it changes once")
    func random() throws {
        var random = RandomBSON(seed: 7396)
        for _ in 0..<500 {
            let (original, patch) = (try random.document(), try random.document())
            #expect(try original.merging(BSONDocument()) == original)
            let once = try original.merging(patch)
            #expect(try once.merging(patch).bytes == once.bytes)
            // Shared keys too, so that values of all types meet.
            let shared = try BSONDocument(fields: zip(original.keys, patch.fields).map { ($0, $1.value) })
            let merged = try original.merging(shared)
            #expect(try merged.merging(shared).bytes == merged.bytes)
            for (key, value) in try shared.fields where value.documentValue == nil {
                #expect(merged[key]?.description == (value == .null ? nil : value.description))
            }
        }
    }
}

extension BSONValue {
    fileprivate var documentValue: BSONDocument? {
        if case .document(let document) = self { document } else { nil }
    }
}
