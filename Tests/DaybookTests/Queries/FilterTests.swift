@testable import Daybook
import DaybookBSON
import Foundation
import Testing

@Suite("Filter")
struct FilterTests {
    private let date = BSONDate(milliseconds: 1_700_000_000_123)

    @Test("each operator becomes MongoDB's own")
    func operators() throws {
        try expect(\.scans == 3, ["state.scans": ["$eq": 3]])
        try expect(\.scans != 3, ["state.scans": ["$ne": 3]])
        try expect(\.scans < 3, ["state.scans": ["$lt": 3]])
        try expect(\.scans <= 3, ["state.scans": ["$lte": 3]])
        try expect(\.scans > 3, ["state.scans": ["$gt": 3]])
        try expect(\.scans >= 3, ["state.scans": ["$gte": 3]])
    }

    @Test("each operator takes a value for an optional field")
    func optionalOperators() throws {
        let (value, stored) = (date.date, BSONValue.datetime(date))
        try expect(\.lastScanAt == value, ["state.lastScanAt": ["$eq": stored]])
        try expect(\.lastScanAt != value, ["state.lastScanAt": ["$ne": stored]])
        try expect(\.lastScanAt < value, ["state.lastScanAt": ["$lt": stored]])
        try expect(\.lastScanAt <= value, ["state.lastScanAt": ["$lte": stored]])
        try expect(\.lastScanAt > value, ["state.lastScanAt": ["$gt": stored]])
        try expect(\.lastScanAt >= value, ["state.lastScanAt": ["$gte": stored]])
    }

    @Test("nil asks for what is not there, as MongoDB's null does")
    func nilValues() throws {
        try expect(\.lastScanAt == nil, ["state.lastScanAt": ["$eq": .null]])
        try expect(\.owner != nil, ["state.owner": ["$ne": .null]])
        let absent: Date? = nil
        try expect(\.lastScanAt == absent, ["state.lastScanAt": ["$eq": .null]])
    }

    @Test("a value is written as the state would be: enums, texts, numbers, ids, documents")
    func values() throws {
        let owner = UUID(milliseconds: 1, upper: 2, lower: 3)
        try expect(\.status == .sent, ["state.status": ["$eq": "sent"]])
        try expect(\.note == "", ["state.note": ["$eq": ""]])
        try expect(\.note > "z", ["state.note": ["$gt": "z"]])
        try expect(\.weight < 1.5, ["state.weight": ["$lt": 1.5]])
        try expect(\.owner == owner, ["state.owner": ["$eq": .binary(BSONBinary(owner))]])
        try expect(\.address == .init(city: "Ulm"), ["state.address": ["$eq": ["city": "Ulm"]]])
        try expect(\.big == 5, ["state.big": ["$eq": 5]])
    }

    @Test("a text that looks like an operator stays a text")
    func injection() throws {
        try expect(\.note == "$where", ["state.note": ["$eq": "$where"]])
        try expect(\.note != "{\"$ne\": null}", ["state.note": ["$ne": "{\"$ne\": null}"]])
        try expect(
            \.address == .init(city: "$gt", zip: "$ne"), ["state.address": ["$eq": ["city": "$gt", "zip": "$ne"]]])
    }

    @Test("a nested field is asked for by the name it was declared with")
    func nested() throws {
        try expect(\.origin.city == "Ulm", ["state.origin.city": ["$eq": "Ulm"]])
    }

    @Test("and, or and not nest as they are written")
    func logic() throws {
        let (sent, many, heavy) = (\Parcel.status == .sent, \Parcel.scans > 3, \Parcel.weight > 9.0)
        let (s, m, h): (BSONValue, BSONValue, BSONValue) = (
            ["state.status": ["$eq": "sent"]], ["state.scans": ["$gt": 3]], ["state.weight": ["$gt": 9.0]]
        )
        try expect(sent && many, ["$and": [s, m]])
        try expect(sent || many, ["$or": [s, m]])
        try expect(!sent, ["$nor": [s]])
        try expect(!(!sent), ["$nor": [["$nor": [s]]]])
        try expect(sent && many && heavy, ["$and": [s, m, h]])
        try expect(sent || many && heavy, ["$or": [s, ["$and": [m, h]]]])
        try expect((sent || many) && heavy, ["$and": [["$or": [s, m]], h]])
        try expect(!(sent && !many) || heavy, ["$or": [["$nor": [["$and": [s, ["$nor": [m]]]]]], h]])
        try expect(!sent && many, ["$and": [["$nor": [s]], m]])
    }

    @Test("a filter on a field twice keeps both conditions")
    func range() throws {
        try expect(\.scans >= 3 && \.scans < 7, ["$and": [["state.scans": ["$gte": 3]], ["state.scans": ["$lt": 7]]]])
    }

    @Test("a field that is not declared is refused anywhere in a filter")
    func undeclared() {
        let wrong: Filter<Parcel> = \.undeclared == 1
        let right: Filter<Parcel> = \.scans == 1
        let filters = [
            wrong, right && wrong, wrong || right, !wrong, right && !(right || wrong), \.origin.zip == "x",
            \.origin == .init(city: ""), .in(\.undeclared, []), .notIn(\.undeclared, [1]),
            .hasPrefix(\.origin.zip, "x"),
            .missing(\.origin.zip), .exists(\.origin.zip), .all([right, .any([wrong])]), .raw([:]) && wrong,
        ]
        for filter in filters {
            let error = #expect(throws: DaybookError.self) { try filter.document() }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("Parcel") == true)
        }
    }

    @Test("a value that MongoDB cannot hold is refused as an invalid argument, without the value")
    func notRepresentable() {
        let filters: [Filter<Parcel>] = [
            \.big == .max, .in(\.big, [1, .max]), .notIn(\.big, [.max]),
            \.lastScanAt < Date(timeIntervalSince1970: .infinity),
        ]
        for filter in filters {
            let error = #expect(throws: DaybookError.self) { try filter.document() }
            #expect(error?.code == .invalidArgument)
            if let error { #expect(!"\(error)".contains("\(UInt64.max)")) }
        }
    }

    @Test("a list of values is encoded value by value, and an empty one finds nothing")
    func lists() throws {
        try expect(.in(\.status, [.sent, .lost]), ["state.status": ["$in": ["sent", "lost"]]])
        try expect(.in(\.status, []), ["state.status": ["$in": []]])
        try expect(.notIn(\.scans, [1, 2]), ["state.scans": ["$nin": [1, 2]]])
        try expect(.notIn(\.scans, []), ["state.scans": ["$nin": []]])
        try expect(.in(\.lastScanAt, [nil, date.date]), ["state.lastScanAt": ["$in": [.null, .datetime(date)]]])
        let dates = [date.date]
        try expect(.in(\.lastScanAt, dates), ["state.lastScanAt": ["$in": [.datetime(date)]]])
        try expect(.in(\.note, ["$where", "^a"]), ["state.note": ["$in": ["$where", "^a"]]])
    }

    @Test("a field with a value is neither missing nor null")
    func existence() throws {
        try expect(.exists(\.lastScanAt), ["state.lastScanAt": ["$ne": .null]])
        try expect(.missing(\.owner), ["state.owner": ["$eq": .null]])
    }

    @Test(
        "a prefix is a range of texts, of which no character means anything else",
        arguments: [
            ("x", "y"), ("Zoë", "Zoì"), ("a.*|(", "a.*|)"), ("\\Q^$", "\\Q^%"), ("\u{D7FF}", "\u{E000}"),
            ("a\u{10FFFF}", "b"),
            ("a\u{0}", "a\u{1}"), ("z\u{7F}", "z\u{80}"),
        ])
    func prefix(prefix: String, end: String) throws {
        try expect(.hasPrefix(\.note, prefix), ["state.note": ["$gte": .string(prefix), "$lt": .string(end)]])
        #expect(prefix.utf8.lexicographicallyPrecedes(end.utf8))
        #expect((prefix + "\u{10FFFF}\u{10FFFF}").utf8.lexicographicallyPrecedes(end.utf8))
    }

    @Test("a prefix that no text comes after has no end", arguments: ["", "\u{10FFFF}", "\u{10FFFF}\u{10FFFF}"])
    func prefixWithoutEnd(prefix: String) throws {
        try expect(.hasPrefix(\.note, prefix), ["state.note": ["$gte": .string(prefix)]])
    }

    @Test("a raw filter is sent as it is, alone and beside typed ones")
    func raw() throws {
        let raw: BSONDocument = ["version": ["$gt": 3]]
        try expect(.raw(raw), raw)
        try expect(.raw([:]), [:])
        try expect(.raw(raw) && \.scans == 1, ["$and": [.document(raw), ["state.scans": ["$eq": 1]]]])
        try expect(
            !.raw(raw) || .missing(\.owner), ["$or": [["$nor": [.document(raw)]], ["state.owner": ["$eq": .null]]]])
    }

    @Test("all of no filters matches everything, and any of no filters matches nothing")
    func emptyLists() throws {
        try expect(.all([]), [:])
        try expect(.any([]), ["_id": ["$in": []]])
        try expect(!.any([]), ["$nor": [["_id": ["$in": []]]]])
        try expect(.all([.all([]), .all([])]), [:])
        try expect(.all([]) && \.scans == 1, ["$and": [["state.scans": ["$eq": 1]]]])
        try expect(.any([\.scans == 1]), ["$or": [["state.scans": ["$eq": 1]]]])
    }

    @Test("a thousand conditions are no deeper than two")
    func manyConditions() throws {
        let all = (0..<1_000).map { \Parcel.scans != $0 }.reduce(.all([])) { $0 && $1 }
        let any = (0..<1_000).map { \Parcel.scans == $0 }.reduce(.any([])) { $0 || $1 }
        guard case .array(let conditions) = try all.document()["$and"] else { throw Missing() }
        #expect(conditions.count == 1_000)
        guard case .array(let choices) = try any.document()["$or"] else { throw Missing() }
        #expect(choices.count == 1_000)
    }

    private struct Missing: Error {}

    @Test("nothing is less or more than NaN, and a filter can match it")
    func notANumber() throws {
        for filter in [
            \Parcel.weight < .nan, \.weight <= .nan, \.weight > -.nan, \.weight >= .signalingNaN, !(\.weight < .nan),
        ] {
            let error = #expect(throws: DaybookError.self) { try filter.document() }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("weight") == true)
        }
        try expect(\.weight == .nan, ["state.weight": ["$eq": .double(.nan)]])
        try expect(\.weight < .infinity, ["state.weight": ["$lt": .double(.infinity)]])
    }

    @Test("in a query's argument the aggregate need not be named")
    func inference() throws {
        let store = try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1:1"))
        let parcels = store.repository(Parcel.self)
        _ = parcels.query(where: .in(\.status, [.sent]) && \.scans > 3)
        _ = parcels.query(where: \.scans > 3 && !.hasPrefix(\.note, "x") || .exists(\.lastScanAt))
        _ = parcels.query(where: .missing(\.owner))
        _ = parcels.query(
            Parcel.Address.self, of: [\.status, \.lastScanAt], where: .notIn(\.scans, [1]), sort: [.ascending(\.note)])
    }

    private func expect(_ filter: Filter<Parcel>, _ expected: BSONDocument) throws {
        #expect(try filter.document() == expected)
    }
}
