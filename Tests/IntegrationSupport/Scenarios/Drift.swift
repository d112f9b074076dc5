package import Daybook
internal import DaybookBSON
internal import Foundation
package import SampleAggregates

/// What can be wrong with the snapshot of an account that has events, and how a test makes it so.
package enum Drift: CaseIterable, Sendable {
    case none
    case deleted, empty, withMoreFields
    case stateEdited, stateReordered, stateUndecodable, stateText, stateArray, stateMissing
    case behind, ahead, aheadByOne, ofAnotherEvent, ofAnotherAggregate
    case versionText, versionNull, versionMissing, versionDouble, versionInt32, versionNaN, versionArray, versionRegex
    case versionUndefined, versionDocument
    case digestMissing, digestText, digestShort, digestNull, digestArray
    case headMissing, headText, headIDText
    case schemaMissing, schemaText, outdated, timesMissing, timesText

    /// Puts the drift in place of the snapshot of the account `a`.
    package func apply<A: Ledger>(to store: DaybookStore, of aggregate: A.Type = Account.self) async throws {
        let raw = store.raw
        let accounts = store.repository(A.self)
        let (collection, id) = (A.snapshotCollection, "\(A.type)/a")
        guard let snapshot = try await raw.document(in: collection, id: id) else { throw RawDatabase.NoMatch() }
        func put(_ key: String, _ value: BSONValue?) async throws {
            try await raw.put(snapshot.setting(key, to: value), into: collection)
        }
        func forge(_ store: DaybookStore, change: (inout StoredSnapshot) throws -> Void) async throws {
            try await IntegrationSupport.forge(store, of: A.self, change: change)
        }
        let loaded = try await accounts.load("a")
        switch self {
        case .none: break
        case .deleted: try await raw.delete(["_id": .string(id)], from: collection)
        case .empty: try await raw.put(["_id": .string(id)], into: collection)
        case .withMoreFields: try await put("note", "from the shell")
        case .stateEdited: try await put("state", ["balance": 999, "entries": 2])
        case .stateReordered:
            try await put("state", ["entries": .int64(loaded.version), "balance": .int64(Int64(loaded.state.balance))])
        case .stateUndecodable: try await forge(store) { $0.state = ["balance": "much"] }
        case .stateText: try await put("state", "gone")
        case .stateArray: try await put("state", [1, 2])
        case .stateMissing: try await put("state", nil)
        case .behind:
            let earlier = try await accounts.load("a", at: .version(2)).state
            let event = try await raw.documents(in: "journal", where: ["aggregateId": .string(id), "version": 2]).first
            guard case .binary(let head) = event?["_id"] else { throw RawDatabase.NoMatch() }
            try await forge(store) { stored in
                stored.version = 2
                stored.state = try BSONEncoder().encode(earlier)
                stored.headID = UUID(head)
            }
        case .ahead:
            try await forge(store) { stored in
                stored.version += 4
                stored.headID = UUID()
            }
        case .aheadByOne: try await forge(store) { $0.version += 1 }
        case .ofAnotherEvent: try await forge(store) { $0.headID = UUID() }
        case .ofAnotherAggregate:
            if let commit = try await accounts.execute(.deposit(77), on: "b") {
                try await accounts.waitForSnapshot(of: commit)
            }
            guard let other = try await raw.document(in: collection, id: "\(A.type)/b") else {
                throw RawDatabase.NoMatch()
            }
            try await raw.put(other.setting("_id", to: .string(id)), into: collection)
        case .versionText: try await put("version", "three")
        case .versionNull: try await put("version", .null)
        case .versionMissing: try await put("version", nil)
        case .versionDouble: try await put("version", .double(Double(loaded.version)))
        case .versionInt32: try await put("version", .int32(Int32(loaded.version)))
        case .versionNaN: try await put("version", .double(.nan))
        case .versionArray: try await put("version", [.int64(loaded.version)])
        case .versionRegex: try await put("version", .regex(BSONRegex(pattern: "^.")))
        case .versionUndefined: try await put("version", .undefined)
        case .versionDocument: try await put("version", ["$gt": 0])
        case .digestMissing: try await put("digest", nil)
        case .digestText: try await put("digest", "abc")
        case .digestShort: try await put("digest", .binary(BSONBinary(bytes: [1, 2, 3])))
        case .digestNull: try await put("digest", .null)
        case .digestArray: try await put("digest", [.null])
        case .headMissing: try await put("head", nil)
        case .headText: try await put("head", "gone")
        case .headIDText: try await put("head", ["eventId": "gone"])
        case .schemaMissing: try await put("stateSchema", nil)
        case .schemaText: try await put("stateSchema", "one")
        case .outdated: try await forge(store) { $0.stateSchema = 0 }
        case .timesMissing: try await put("updatedAt", nil)
        case .timesText: try await put("createdAt", "yesterday")
        }
    }
}

/// Writes a snapshot of the account `a` whose digest fits, made of the genuine one by `change`.
package func forge<A: Ledger>(
    _ store: DaybookStore, of aggregate: A.Type = Account.self, change: (inout StoredSnapshot) throws -> Void
) async throws {
    let loaded = try await store.repository(A.self).load("a")
    let head = try await store.raw.documents(
        in: "journal", where: ["aggregateId": .string("\(A.type)/a"), "version": .int64(loaded.version)])
    let headID: UUID = if case .binary(let id) = head.first?["_id"] { UUID(id) } else { UUID() }
    let now = try BSONDate(loaded.createdAt ?? Date(timeIntervalSince1970: 0))
    var stored = StoredSnapshot(
        aggregateID: loaded.id, version: loaded.version, state: try BSONEncoder().encode(loaded.state),
        stateSchema: A.stateSchema, headID: headID, createdAt: now,
        updatedAt: try BSONDate(loaded.updatedAt ?? now.date))
    try change(&stored)
    try await store.raw.put(stored.document(), into: A.snapshotCollection)
}

extension UUID {
    fileprivate init(_ binary: BSONBinary) {
        self = binary.bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}
