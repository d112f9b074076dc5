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
        try expect(\.address == .init(city: "$gt", zip: "$ne"), ["state.address": ["$eq": ["city": "$gt", "zip": "$ne"]]])
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
        try expect(sent && many && heavy, ["$and": [["$and": [s, m]], h]])
        try expect(sent || many && heavy, ["$or": [s, ["$and": [m, h]]]])
        try expect((sent || many) && heavy, ["$and": [["$or": [s, m]], h]])
        try expect(!(sent && !many) || heavy, ["$or": [["$nor": [["$and": [s, ["$nor": [m]]]]]], h]])
        try expect(!sent && many, ["$and": [["$nor": [s]], m]])
    }

    @Test("a filter on a field twice keeps both conditions")
    func range() throws {
        try expect(\.scans >= 3 && \.scans < 7, ["$and": [["state.scans": ["$gte": 3]], ["state.scans": ["$lt": 7]]]])
    }

    @Test("a field that is not declared is refused, wherever it stands")
    func undeclared() {
        let wrong: Filter<Parcel> = \.undeclared == 1
        let right: Filter<Parcel> = \.scans == 1
        let filters = [
            wrong, right && wrong, wrong || right, !wrong, right && !(right || wrong), \.origin.zip == "x",
            \.origin == .init(city: ""),
        ]
        for filter in filters {
            let error = #expect(throws: DaybookError.self) { try filter.document() }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("Parcel") == true)
        }
    }

    @Test("a value that MongoDB cannot hold is refused as an invalid argument, without the value")
    func notRepresentable() {
        let filters: [Filter<Parcel>] = [\.big == .max, \.lastScanAt < Date(timeIntervalSince1970: .infinity)]
        for filter in filters {
            let error = #expect(throws: DaybookError.self) { try filter.document() }
            #expect(error?.code == .invalidArgument)
            if let error { #expect(!"\(error)".contains("\(UInt64.max)")) }
        }
    }

    private func expect(_ filter: Filter<Parcel>, _ expected: BSONDocument) throws {
        #expect(try filter.document() == expected)
    }
}
