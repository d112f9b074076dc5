@testable import Daybook
import DaybookBSON
import Foundation
import SampleAggregates
import Testing
import TestSupport

/// What a query refuses by itself, and how it reads what it finds; finding it needs a server.
@Suite("SnapshotQuery")
struct SnapshotQueryTests {
    /// Nothing listens there.
    private func repository() throws -> Repository<Parcel> {
        try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=10")).repository(
            Parcel.self)
    }

    @Test("an invalid query fails before any server is asked")
    func refused() async throws {
        let parcels = try repository()
        let queries = [
            parcels.query(limit: 0), parcels.query(limit: -1), parcels.query(limit: .min),
            parcels.query(where: \.undeclared == 1),
            parcels.query(sort: [.ascending(\.undeclared)]),
            parcels.query(sort: [.ascending(\.scans), .descending(\.labels)]),
            parcels.query(matching: [:], limit: 0),
        ]
        for query in queries {
            var iterator = query.makeAsyncIterator()
            // It says so each time it is asked.
            for _ in 0..<2 {
                let error = await #expect(throws: DaybookError.self) { try await iterator.next() }
                #expect(error?.code == .invalidArgument)
            }
        }
    }

    @Test("a query that is in order goes to the server")
    func accepted() async throws {
        var iterator = try repository().query(
            where: \.scans == 1, sort: [.descending(\.weight), .ascending(\.origin.city)], limit: 1
        ).makeAsyncIterator()
        let error = await #expect(throws: DaybookError.self) { try await iterator.next() }
        #expect(error?.code == .unavailable)
        #expect(error?.operation == "query")
    }

    @Test("a query of an aggregate without stored snapshots fails, and says what to do")
    func live() async throws {
        struct Row: Decodable { var balance: Int }
        let store = try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=10"))
        let repository = store.repository(Meter.self)
        for ask in [
            { for try await _ in repository.query() {} }, { for try await _ in repository.query(matching: [:]) {} },
            { for try await _ in repository.query(Row.self, of: [\.balance]) {} }, { _ = try await repository.page() },
            { _ = try await repository.count() }, { _ = try await repository.contains(where: \.balance > 0) },
            { _ = try await repository.first() },
        ] as [() async throws -> Void] {
            let error = await #expect(throws: DaybookError.self) { try await ask() }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("meter has the lifecycle live") == true)
        }
    }

    // MARK: Reading a snapshot

    @Test("a stored snapshot becomes the aggregate's state, version and times")
    func snapshot() throws {
        let snapshot = try read(Self.stored)
        #expect(snapshot.id.rawValue == "parcel/P-1")
        #expect(snapshot.version == 3)
        #expect(snapshot.state == Parcel())
        #expect(snapshot.createdAt == BSONDate(milliseconds: 1_000).date)
        #expect(snapshot.updatedAt == BSONDate(milliseconds: 2_000).date)
    }

    @Test(
        "a snapshot that cannot be read is named, so that it can be folded anew",
        arguments: ["_id", "version", "state", "stateSchema"])
    func missing(field: String) throws {
        #expect(try unreadable(Self.stored.changing(field, to: nil)).id == (field == "_id" ? nil : "parcel/P-1"))
    }

    @Test("a snapshot of another schema is not read, lower or higher", arguments: [0, 2] as [Int32])
    func otherSchema(schema: Int32) throws {
        #expect(try unreadable(Self.stored.changing("stateSchema", to: .int32(schema))).id == "parcel/P-1")
    }

    @Test(
        "a state that does not fit is unreadable, with the place",
        arguments: ["scans", "origin", "status", "labels", "note"])
    func unreadable(field: String) throws {
        for value in [nil, .null, .datetime(BSONDate(milliseconds: 1))] as [BSONValue?] {
            let found = try unreadable(Self.stored.changing("state.\(field)", to: value))
            #expect(found.id == "parcel/P-1")
            #expect(found.reason.contains(field))
        }
    }

    @Test("an id that is none is unreadable")
    func wrongID() throws {
        for id in ["", "parcel", "parcel/", "/P-1"] {
            #expect(try unreadable(Self.stored.changing("_id", to: .string(id))).id == nil)
        }
    }

    private static let stored: BSONDocument = [
        "_id": "parcel/P-1", "version": 3, "stateSchema": .int32(1),
        "state": [
            "status": "packed", "note": "", "weight": 0.0, "scans": 0, "origin": ["city": "Ulm"], "big": 0,
            "labels": [:],
            "undeclared": 0,
        ],
        "createdAt": .datetime(BSONDate(milliseconds: 1_000)), "updatedAt": .datetime(BSONDate(milliseconds: 2_000)),
    ]

    private func read(_ document: BSONDocument) throws -> Snapshot<Parcel> {
        let found = try document.withBorrowed { try QueriedDocument<Snapshot<Parcel>>($0, BSONDecoder()) }
        guard case .readable(let snapshot) = found else { throw Unexpected() }
        return snapshot
    }

    private func unreadable(_ document: BSONDocument) throws -> (id: String?, reason: String) {
        let found = try document.withBorrowed { try QueriedDocument<Snapshot<Parcel>>($0, BSONDecoder()) }
        guard case .unreadable(let id, let reason) = found else { throw Unexpected() }
        return (id, reason)
    }

    private struct Unexpected: Error {}
}
