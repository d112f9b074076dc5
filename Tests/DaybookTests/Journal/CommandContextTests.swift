@testable import Daybook
import DaybookBSON
import Testing

@Suite("CommandContext")
struct CommandContextTests {
    @Test("allowed headers are recorded by names in lower case, whatever case they were given or allowed in")
    func headers() throws {
        let context = CommandContext(headers: ["X-Tenant": "t-1", "authorization": "secret", "TRACE": "77", "x": ""])
        #expect(try context.admitted([]).headers.isEmpty)
        #expect(try context.admitted(["x-tenant", "Trace"]).headers == ["x-tenant": "t-1", "trace": "77"])
        #expect(try context.admitted(["none"]).headers.isEmpty)
        #expect(try CommandContext.none.admitted(["x-tenant"]) == .none)
    }

    @Test("a header in two cases is refused, unless it is left out anyway")
    func twice() throws {
        let context = CommandContext(headers: ["Trace": "1", "trace": "2"])
        #expect(try context.admitted(["other"]).headers.isEmpty)
        let error = #expect(throws: DaybookError.self) { try context.admitted(["trace"]) }
        #expect(error?.code == .invalidArgument)
    }

    @Test("a text has 1 to 1,024 bytes and no control characters; what is left out may have any")
    func limits() throws {
        let good = ["x", String(repeating: "x", count: 1_024), String(repeating: "é", count: 512), "a b", "\u{202E}"]
        let bad = [
            "", String(repeating: "x", count: 1_025), String(repeating: "é", count: 513), "a\nb", "\0", "\u{7F}",
            "\u{85}", "\t",
        ]
        func contexts(_ text: String) -> [CommandContext] {
            [
                CommandContext(correlationID: text), CommandContext(causationID: text), CommandContext(actor: text),
                CommandContext(headers: ["trace": text]),
            ]
        }
        for text in good {
            for context in contexts(text) { #expect(try context.admitted(["trace"]) == context) }
        }
        for text in bad {
            for context in contexts(text) {
                let error = #expect(throws: DaybookError.self) { try context.admitted(["trace"]) }
                #expect(error?.code == .invalidArgument)
                #expect(error?.description.contains("xxx") == false && error?.description.contains("ééé") == false)
            }
            #expect(try CommandContext(headers: ["trace": text]).admitted(["other"]) == .none)
        }
    }

    @Test("a context is stored and read back, and absent fields are not stored")
    func stored() throws {
        let context = CommandContext(
            correlationID: "co", causationID: "ca", actor: "who", headers: ["b": "2", "a": "1", "a.b": "3", "$d": "4"])
        let metadata = EventMetadata(commandID: "c", commandName: "place", commandDigest: [1, 2], context: context)
        var writer = BSONWriter(capacity: 64)
        metadata.write(to: &writer)
        let document = try writer.finish()
        #expect(try document.withBorrowed { try EventMetadata($0) } == metadata)
        #expect(document["headers"] == .document(["$d": "4", "a": "1", "a.b": "3", "b": "2"]))
        var empty = BSONWriter(capacity: 64)
        EventMetadata().write(to: &empty)
        #expect(try empty.finish() == [:])
    }
}
