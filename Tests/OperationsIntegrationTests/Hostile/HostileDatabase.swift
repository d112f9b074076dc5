@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Licensing
import TestSupport

/// The population of ``withPopulation(_:)`` with documents that an administrator has damaged past every validator, by a
/// seed.
struct HostileDatabase {
    let admin: AdminDatabase
    var values: HostileValues
    /// What was done, to be shown with what failed.
    private(set) var damage: [String] = []

    init(_ admin: AdminDatabase, seed: UInt64) {
        self.admin = admin
        values = HostileValues(seed: seed)
    }

    private var database: RawDatabase { admin.database }

    static let collections = [
        "journal", "journal", "snapshots.license", "snapshots.member", "snapshots.title", "daybook.runs",
        "daybook.leases",
        "daybook.checkpoints",
    ]

    /// A run, leases and a checkpoint, and a journal that takes anything.
    func prepare() async throws {
        _ = try await admin.licensing("rebuild", "--type", "license", "--quiet")
        let now = try BSONDate(Date())
        let ago = BSONValue.datetime(BSONDate(milliseconds: now.milliseconds - 100_000))
        for name in ["reconcile.license", "snapshots.license"] {
            try await database.put(
                ["_id": .string(name), "holder": "host:1:x", "acquiredAt": ago, "expiresAt": ago, "epoch": 3],
                into: "daybook.leases")
            try await database.put(
                ["_id": .string(name), "token": ["_data": "8266"], "updatedAt": ago], into: "daybook.checkpoints")
        }
        for (status, swap) in [("running", false), ("interrupted", true), ("failed", false)] {
            let range: BSONDocument = [
                "type": "license", "from": "license/", "to": "license0", "isDone": false, "position": "license/5",
            ]
            try await database.insert(
                [
                    [
                        "_id": .binary(BSONBinary(UUID())), "kind": "rebuild", "swap": .bool(swap),
                        "types": ["license"],
                        "ids": [],
                        "schemas": [.int32(1)], "startedAt": ago, "status": .string(status), "holder": "host:1:x",
                        "updatedAt": ago,
                        "checked": 12, "events": 40, "written": 3, "counts": ["stale": 3], "ranges": [.document(range)],
                        "tokens": ["license": ["_data": "8266"]], "swapped": [],
                    ]
                ], into: "daybook.runs")
        }
        _ = try await database.write(["collMod": "journal", "validator": [:], "validationLevel": "off"])
    }

    /// Damages some documents; how many were, as far as the server takes what they became.
    mutating func damage(_ count: Int, in collections: [String] = Self.collections) async throws {
        for _ in 0..<count {
            guard let collection = values.pick(collections) else { continue }
            let documents = try await database.documents(in: collection)
            guard let document = values.pick(documents) else { continue }
            do {
                try await damage(document, in: collection)
            } catch let error as MongoError {
                damage.append("\(collection): refused, \(error)")
            }
        }
    }

    private mutating func damage(_ document: BSONDocument, in collection: String) async throws {
        let id = document["_id"] ?? .null
        let shown = (try? id.extendedJSON(.canonical)) ?? "?"
        let selector: BSONDocument = ["_id": ["$eq": id]]
        switch values.random.number(0...9) {
        case 0:
            try await database.delete(selector, from: collection)
            damage.append("\(collection): \(shown) deleted")
        case 1:
            // Another id, beside the document or instead of it.
            let other =
                collection.hasPrefix("snapshots.") ? BSONValue.string("license/\(values.text())") : try values.value()
            try await database.insert([try document.setting("_id", to: other)], into: collection)
            damage.append("\(collection): \(shown) copied as \((try? other.extendedJSON(.canonical)) ?? "?")")
        case 2 where collection == "journal":
            try await dropVersionIndex()
            let twin = try document.setting("_id", to: .binary(BSONBinary(UUID()))).setting("meta", to: [:])
            let version = values.chance(2) ? twin["version"] : values.number()
            try await database.insert([try twin.setting("version", to: version)], into: collection)
            damage.append("\(collection): \(shown) once more, at another version")
        case 2...3 where collection.hasPrefix("snapshots."):
            guard let forged = try forged(document) else { return }
            try await database.put(forged, into: collection)
            damage.append("\(collection): \(shown) forged, \(Self.shown(forged))")
        default:
            let damaged = try values.damaged(document)
            try await database.put(damaged, into: collection)
            damage.append("\(collection): \(shown) is now \(Self.shown(damaged))")
        }
    }

    private static func shown(_ document: BSONDocument) -> String {
        let text = (try? document.extendedJSON(.canonical)) ?? "unreadable"
        return text.count > 600 ? "\(text.prefix(600))…" : text
    }

    private func dropVersionIndex() async throws {
        do {
            _ = try await database.write(["dropIndexes": "journal", "index": .string(JournalIndex.versions.model.name)])
        } catch is MongoError {
            // It is gone already.
        }
    }

    /// A snapshot with another state or another version, and a digest that fits.
    private mutating func forged(_ document: BSONDocument) throws -> BSONDocument? {
        guard case .string(let text) = document["_id"], let id = try? AggregateID(parsing: text),
            case .document(let state) = document["state"], case .document(let head) = document["head"],
            case .binary(let headID) = head["eventId"], let headID = headID.uuid,
            case .datetime(let createdAt) = document["createdAt"],
            case .int64(let version) = document["version"]
        else { return nil }
        let changesVersion = values.chance(4)
        let changed = changesVersion ? state : try values.damaged(state, depth: 1)
        let stored = StoredSnapshot(
            aggregateID: id, version: changesVersion ? values.pick([.max, .min, 0, -1, version + 1]) ?? 0 : version,
            state: changed,
            stateSchema: 1, headID: headID, createdAt: createdAt,
            updatedAt: values.chance(3) ? BSONDate(milliseconds: values.milliseconds()) : createdAt)
        return try stored.document()
    }
}
