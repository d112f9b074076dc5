@testable import Daybook
import DaybookBSON
import Foundation
import Testing

@Suite("CommandIdentity")
struct CommandIdentityTests {
    enum Order: Codable, Sendable {
        case place(article: String, count: Int)
        case tag([String: Int], Set<String>)
        case plan(at: Date)
        case cancel
        case cancelled
    }

    enum Plain: String, Codable, Sendable { case start, stop }

    struct Move: Codable, Sendable {
        var to: String
        var steps: Int?
    }

    enum Secret: Sendable { case tell(String), keep }

    enum Spoken: Encodable, Sendable, CustomStringConvertible {
        case word
        var description: String { "" }
    }

    private func identity<C>(_ command: C, id: String? = "c") throws -> CommandIdentity {
        try CommandIdentity(command, id: id)
    }

    private func digest<C>(_ command: C) throws -> [UInt8]? { try identity(command).digest }

    @Test("a command is named after its case or type, never after its content")
    func names() throws {
        #expect(try identity(Order.place(article: "hidden", count: 1)).name == "place")
        #expect(try identity(Order.cancel).name == "cancel")
        #expect(try identity(Plain.stop).name == "stop")
        #expect(try identity(Move(to: "hidden")).name == "Move")
        #expect(try identity(Secret.tell("hidden")).name == "tell")
        #expect(try identity(Secret.keep).name == "keep")
        #expect(try identity(Order.tag(["hidden": 1], ["hidden"])).name == "tag")
    }

    @Test("a command always has a name, because it marks the command's first event")
    func alwaysNamed() throws {
        for id in [nil, "c"] {
            let identity = try identity(Spoken.word, id: id)
            #expect(identity.name?.isEmpty == false)
            #expect(EventMetadata(commandID: identity.id, commandName: identity.name).beginsCommand)
        }
    }

    @Test("different commands have different digests, equal ones the same")
    func digests() throws {
        let commands: [any Sendable & Encodable] = [
            Order.place(article: "a", count: 1), Order.place(article: "a", count: 2),
            Order.place(article: "b", count: 1),
            Order.cancel, Order.cancelled, Order.tag(["a": 1], []), Order.tag(["a": 2], []), Order.tag([:], ["a"]),
            Order.plan(at: Date(timeIntervalSince1970: 1)), Order.plan(at: Date(timeIntervalSince1970: 1.001)),
            Plain.start, Plain.stop, Move(to: "a"), Move(to: "b"), Move(to: "a", steps: 0),
        ]
        var seen: Set<[UInt8]> = []
        for command in commands {
            let digest = try #require(try digest(command), "\(command) has no digest")
            #expect(digest.count == 32)
            #expect(try self.digest(command) == digest)
            #expect(seen.insert(digest).inserted, "\(command) has another command's digest")
        }
    }

    @Test("a digest does not depend on the order in which a process keeps dictionaries and sets")
    func unordered() throws {
        // Differently made and of different capacities, so that equal values are iterated in different orders.
        let keys = (0..<200).map { "k\($0)" }
        let forth = Order.tag(Dictionary(uniqueKeysWithValues: keys.map { ($0, 1) }), Set(keys))
        var labels = Dictionary(minimumCapacity: 5_000) as [String: Int]
        for key in keys.reversed() { labels[key] = 1 }
        var texts = Set<String>(minimumCapacity: 5_000)
        for key in keys.reversed() { texts.insert(key) }
        #expect(try digest(forth) == digest(Order.tag(labels, texts)))
    }

    @Test("a digest is what it was in every other process and version: it is compared with recorded ones")
    func golden() throws {
        let command = Order.tag(Dictionary(uniqueKeysWithValues: (0..<20).map { ("k\($0)", $0) }), ["b", "a", "c"])
        let hex = try #require(try digest(command)).map { String($0, radix: 16) }.joined(separator: " ")
        #expect(hex == "c0 9c 5a 9b d8 58 47 58 25 6c 8 80 ef 1b 7d c1 a3 b0 32 86 d0 df 1a 53 8f c9 79 ec 67 11 36 9f")
    }

    @Test("a command that is not Encodable, or cannot be encoded, cannot be compared, and contradicts nothing")
    func withoutDigest() throws {
        for identity in [
            try identity(Secret.tell("x")), try identity(Order.plan(at: Date(timeIntervalSince1970: .infinity))),
        ] {
            #expect(identity.digest == nil)
            #expect(!identity.isContradicted(by: EventMetadata(commandID: "c", commandDigest: [1, 2, 3])))
        }
        let known = try identity(Order.cancel)
        #expect(!known.isContradicted(by: EventMetadata(commandID: "c")))
        #expect(known.isContradicted(by: EventMetadata(commandID: "c", commandDigest: [1, 2, 3])))
        #expect(!known.isContradicted(by: EventMetadata(commandID: "c", commandDigest: known.digest)))
    }

    @Test("a command without an id is not hashed: nothing will ever be compared with it")
    func withoutID() throws {
        #expect(try identity(Order.cancel, id: nil).digest == nil)
        #expect(try CommandIdentity(appending: [], id: nil).digest == nil)
    }

    @Test("appended events identify their command, in their order")
    func appended() throws {
        func digest(_ events: [(String, BSONDocument)]) throws -> [UInt8]? {
            try CommandIdentity(appending: events.map { EventContent(type: $0, schema: 1, data: $1) }, id: "c").digest
        }
        let (a, b): ((String, BSONDocument), (String, BSONDocument)) = (("a", [:]), ("b", ["x": 1]))
        let lists = [[], [a], [b], [a, b], [b, a], [a, a]]
        let digests = try lists.map(digest)
        #expect(Set(digests).count == lists.count)
        #expect(try lists.map(digest) == digests)
    }

    @Test(
        "a correction is the same one whatever the stateSchema is by then, and another one with another patch, reason or actor"
    )
    func correction() throws {
        func digest(_ patch: BSONDocument, _ reason: String, _ actor: String, schema: Int32 = 1) throws -> [UInt8]? {
            let correction = Correction(patch: patch, stateSchema: schema, reason: reason, actor: actor)
            return try CommandIdentity(correcting: correction, id: "c").digest
        }
        #expect(try digest(["a": 1], "r", "a") == digest(["a": 1], "r", "a", schema: 2))
        let digests = try [
            digest(["a": 1], "r", "a"), digest(["a": 2], "r", "a"), digest(["a": 1], "ra", ""),
            digest(["a": 1], "", "ra"),
        ]
        #expect(Set(digests).count == 4)
    }

    @Test(
        "an id that breaks its rule is refused, whatever the command is", arguments: ["", "a\u{0}", "e\u{301}", "\n"])
    func badID(id: String) throws {
        for make in [
            { try CommandIdentity(Order.cancel, id: id) }, { try CommandIdentity(appending: [], id: id) },
            {
                try CommandIdentity(correcting: Correction(patch: [:], stateSchema: 1, reason: "r", actor: "a"), id: id)
            },
        ] {
            let error = #expect(throws: DaybookError.self) { try make() }
            #expect(error?.code == .invalidArgument)
        }
        #expect(throws: Never.self) { try identity(Order.cancel, id: String(repeating: "é", count: 128)) }
        #expect(throws: DaybookError.self) { try identity(Order.cancel, id: String(repeating: "é", count: 128) + "x") }
    }
}
