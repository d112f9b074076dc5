@testable import Daybook
import DaybookBSON
import Foundation
import TestSupport
import Testing

@Suite("PageKey")
struct PageKeyTests {
    private static let columns = [
        SortColumn(path: "state.note", direction: 1), SortColumn(path: "state.scans", direction: -1),
        SortColumn(path: "_id", direction: -1),
    ]

    private static func key(_ values: [BSONValue] = ["note", 3, "parcel/P-1"]) throws -> PageKey {
        try PageKey(PagePosition(values: values), fingerprint: PageKey.fingerprint(.snapshots(of: "parcel"), columns))
    }

    @Test("a key's text makes the same key again, fit for a URL")
    func text() throws {
        let texts: [BSONValue] = [
            "", "Zoë/?&=+", .string(String(repeating: "é", count: 1_000)), .null, .double(.nan), .int64(.min),
        ]
        for value in texts {
            let key = try Self.key([value, 3, "parcel/P-1"])
            let again = try PageKey(parsing: key.description)
            #expect(again == key)
            #expect(again.hashValue == key.hashValue)
            #expect(again.position == key.position)
            #expect(try again.position(of: .snapshots(of: "parcel"), in: Self.columns).values[0] == value)
            #expect(key.description.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
        }
    }

    @Test("a key travels in JSON as its text")
    func json() throws {
        let key = try Self.key()
        let data = try JSONEncoder().encode([key])
        #expect(String(decoding: data, as: UTF8.self) == "[\"\(key)\"]")
        #expect(try JSONDecoder().decode([PageKey].self, from: data) == [key])
        let error = #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([PageKey].self, from: Data("[\"x\"]".utf8))
        }
        guard case .dataCorrupted(let context) = error else { throw Unexpected() }
        #expect((context.underlyingError as? DaybookError)?.code == .invalidArgument)
    }

    @Test("a text that is no key is an invalid argument, and is not repeated")
    func malformed() throws {
        let right = try Self.key().description
        let texts = [
            "", " ", "secret", "AAAA", "====", right + "=", right + "A", right + " ", " " + right, right + right,
            String(right.dropLast()),
            String(right.dropFirst()), right.uppercased(), right.replacing("A", with: "+"), right + "\0", "é",
            String(repeating: "A", count: 5_000), String(repeating: "A", count: 10_000_000),
        ]
        for text in texts {
            let error = #expect(throws: DaybookError.self) { try PageKey(parsing: text) }
            #expect(error?.code == .invalidArgument)
            #expect(error?.description.contains("secret") == false)
        }
    }

    @Test("no change of a key's text is taken for a key, and none is a crash")
    func tampered() throws {
        let right = Array(try Self.key().description)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<5_000 {
            var text = right
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<text.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: text.remove(at: place)
                case 1: text.insert(alphabet.randomElement(using: &generator) ?? "A", at: place)
                default: text[place] = alphabet.randomElement(using: &generator) ?? "A"
                }
            }
            guard text != right else { continue }
            #expect(throws: DaybookError.self) { try PageKey(parsing: String(text)) }
        }
    }

    @Test("a forged key with a right checksum holds values only")
    func forged() throws {
        let values: [[BSONValue]] = [
            [["$where": "1"], 3, "parcel/P-1"], [["$gt": .minKey], 3, "parcel/P-1"],
        ]
        for values in values {
            let following = try Self.key(values).position(of: .snapshots(of: "parcel"), in: Self.columns).following(
                in: Self.columns)
            guard case .array(let branches) = following["$or"], case .document(let first)? = branches.first else {
                throw Unexpected()
            }
            // The operator is ours; what was made up is the text of what it compares with.
            #expect(first == ["state.note": ["$gt": values[0]]])
        }
        let refused: [[BSONValue]] = [
            [], ["parcel/P-1"], ["note", 3, 4], ["note", 3, .null], [[1], 3, "parcel/P-1"],
            ["note", .minKey, "parcel/P-1"],
            [.regex(try BSONRegex(pattern: ".*")), 3, "parcel/P-1"], [.javascript("1"), 3, "parcel/P-1"],
            ["note", 3, 4, "parcel/P-1"], ["note", 3, "ticket/P-1"], ["note", 3, "parcel"], ["note", 3, ""],
            ["note", 3, "parcel/"],
        ]
        for values in refused {
            let error = #expect(throws: DaybookError.self, "\(values)") {
                try PageKey(parsing: Self.key(values).description).position(
                    of: .snapshots(of: "parcel"), in: Self.columns)
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test("a key is refused by another type, and by another order")
    func otherPages() throws {
        let key = try Self.key()
        let note = SortColumn(path: "state.note", direction: 1)
        let scans = SortColumn(path: "state.scans", direction: -1)
        let parcels = DocumentKind.snapshots(of: "parcel")
        let others: [(DocumentKind, [SortColumn])] = [
            (.snapshots(of: "ticket"), Self.columns), (.view("parcel"), Self.columns), (parcels, [.id]),
            (parcels, [scans, note, .id]), (parcels, [note, .id]),
            (parcels, [note, SortColumn(path: "state.scans", direction: 1), .id]),
            (parcels, [note, SortColumn(path: "state.weight", direction: -1), .id]),
        ]
        #expect(try key.position(of: .snapshots(of: "parcel"), in: Self.columns) == key.position)
        for (kind, columns) in others {
            let error = #expect(throws: DaybookError.self) { try key.position(of: kind, in: columns) }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test("a view's key has any text as its last value, and is refused by another view and by snapshots")
    func views() throws {
        let view = DocumentKind.view("parcel")
        for id in ["b-1", "parcel/P-1", "", "title/2026-07", "Zoë"] as [BSONValue] {
            let made = try PageKey(
                PagePosition(values: ["note", 3, id]), fingerprint: PageKey.fingerprint(view, Self.columns))
            let key = try PageKey(parsing: made.description)
            #expect(try key.position(of: view, in: Self.columns).values.last == id)
            for other in [.view("parcels"), .view("view parcel"), .snapshots(of: "parcel")] as [DocumentKind] {
                let error = #expect(throws: DaybookError.self) { try key.position(of: other, in: Self.columns) }
                #expect(error?.code == .invalidArgument)
            }
        }
    }

    @Test("values too long for a key are refused when it is made, with a way out")
    func tooLong() throws {
        let error = #expect(throws: DaybookError.self) {
            try Self.key([.string(String(repeating: "secret", count: 1_000)), 3, "parcel/P-1"])
        }
        #expect(error?.code == .tooLarge)
        #expect(error?.description.contains("secret") == false)
    }

    @Test("a page refuses a wrong key, limit, field or sort before any server is asked")
    func refused() async throws {
        let store = try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=10"))
        let parcels = store.repository(Parcel.self)
        let key = try Self.key()
        for wrong in [
            { try await parcels.page(after: key) }, { try await parcels.page(sort: [.ascending(\.note)], after: key) },
            { try await parcels.page(limit: 0) }, { try await parcels.page(limit: .min) },
            { try await parcels.page(where: \.undeclared == 1) },
            { try await parcels.page(sort: [.ascending(\.undeclared)]) },
            { try await parcels.page(matching: [:], limit: -1) },
        ] as [() async throws -> Page<Parcel>] {
            let error = await #expect(throws: DaybookError.self) { _ = try await wrong() }
            #expect(error?.code == .invalidArgument)
            #expect(error?.operation == "page")
        }
        // A field that is named again does not make it another order.
        let error = await #expect(throws: DaybookError.self) {
            _ = try await parcels.page(
                sort: [.ascending(\.note), .descending(\.scans), .descending(\.note)], limit: .max, after: key)
        }
        #expect(error?.code == .unavailable)
    }

    private struct Unexpected: Error {}
}
