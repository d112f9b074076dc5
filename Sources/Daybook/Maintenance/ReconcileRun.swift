package import DaybookBSON
package import DaybookMongo
public import Foundation

/// The record of a repair or a rebuild: a document of `daybook.runs`, kept up to date while it works and kept when it has ended.
///
/// `{ _id, kind, swap, types, ids, schemas, program, status, holder, startedAt, updatedAt, endedAt, checked, events, written, counts, reason,
/// ranges, tokens, builds: { <type>: { collection, uuid } }, refused: { <type>: [id] }, swapped }`
public struct ReconcileRun: Sendable {
    /// What it does.
    public enum Kind: String, Sendable {
        case patch, rebuild
    }

    /// How it stands.
    public enum Status: String, Sendable {
        /// It works, or its process died: see ``ReconcileRun/updatedAt``.
        case running
        /// It came to its end.
        case done
        /// It was told to stop.
        case interrupted
        /// It could not go on; ``ReconcileRun/reason`` says why.
        case failed
    }

    /// A part of the work: some ids that follow one another.
    package struct Part: Sendable {
        package internal(set) var type: String
        package internal(set) var range: IDRange
        /// The last aggregate that is done; nil before the first.
        package internal(set) var position: String?
        package internal(set) var isDone = false

        package init(type: String, range: IDRange) {
            self.type = type
            self.range = range
        }
    }

    /// A UUID of version 7: runs are listed by it, the newest first.
    public let id: UUID
    public let kind: Kind
    /// Whether a complete collection is built beside the one in use.
    public let isSwap: Bool
    /// The kinds of aggregates that it is about, and the aggregates where it is only about some.
    public let types: [String], ids: [String]
    /// The declared `stateSchema` of each type: what was made by another program is not gone on with.
    let schemas: [Int32]
    /// The fingerprint of the program that began it; nil where it could not be taken.
    let program: String?
    public internal(set) var status = Status.running
    /// The machine, the process and the store that works at it.
    public internal(set) var holder: String
    public let startedAt: Date
    public internal(set) var updatedAt: Date
    public internal(set) var endedAt: Date?
    /// How many aggregates were looked at, events read and snapshots written.
    public internal(set) var checked = 0, events = 0, written = 0
    /// How many findings there were of each kind, by the kind's name: each kind of work has kinds of findings of its own.
    package internal(set) var countsByName: [String: Int] = [:]
    /// Why it failed.
    public internal(set) var reason: String?
    package internal(set) var parts: [Part]
    /// Of a swap: up to where the journal was followed, for each type that was begun.
    package internal(set) var tokens: [String: BSONDocument] = [:]
    /// Of a swap: the collection that was built for each type that was begun.
    package internal(set) var builds: [String: SnapshotBuild] = [:]
    /// Of a swap: the aggregates of each type whose snapshots a unique index of the operator's has refused, until now.
    var refused: [String: [String]] = [:]
    /// Of a swap: the types that are done.
    package internal(set) var swapped: [String] = []

    /// How much of the ids is behind it, from 0 to 1, by its parts.
    public var completion: Double {
        parts.isEmpty ? 0 : Double(parts.filter(\.isDone).count) / Double(parts.count)
    }

    package init(
        id: UUID, kind: Kind, isSwap: Bool, types: [String], ids: [String], schemas: [Int32], program: String?, holder: String,
        at now: Date, parts: [Part]
    ) {
        (self.id, self.kind, self.isSwap) = (id, kind, isSwap)
        (self.types, self.ids, self.schemas) = (types, ids, schemas)
        self.program = program
        (self.holder, startedAt, updatedAt) = (holder, now, now)
        self.parts = parts
    }
}

extension ReconcileRun {
    package static func namespace(_ database: String) -> Namespace {
        Namespace(database: database, collection: ControlCollection.runs.rawValue)
    }

    /// What changes while it works.
    var progress: BSONDocument {
        get throws {
            var counts = BSONDocument()
            for (kind, count) in countsByName.sorted(by: { $0.key < $1.key }) where count > 0 {
                try counts.append(kind, .int64(Int64(count)))
            }
            var fields: BSONDocument = [
                "status": .string(status.rawValue), "holder": .string(holder), "updatedAt": .datetime(try BSONDate(updatedAt)),
                "checked": .int64(Int64(checked)), "events": .int64(Int64(events)), "written": .int64(Int64(written)),
                "counts": .document(counts), "ranges": .array(try parts.map { .document(try $0.document) }),
            ]
            // A run that is resumed has neither any more.
            try fields.append("endedAt", endedAt.map { .datetime(try BSONDate($0)) } ?? .null)
            try fields.append("reason", reason.map { .string($0) } ?? .null)
            guard isSwap else { return fields }
            var tokens = BSONDocument()
            for (type, token) in self.tokens.sorted(by: { $0.key < $1.key }) { try tokens.append(type, .document(token)) }
            try fields.append("tokens", .document(tokens))
            var builds = BSONDocument()
            for (type, build) in self.builds.sorted(by: { $0.key < $1.key }) {
                try builds.append(type, .document(build.document))
            }
            try fields.append("builds", .document(builds))
            var refused = BSONDocument()
            for (type, ids) in self.refused.sorted(by: { $0.key < $1.key }) {
                try refused.append(type, .array(ids.map { .string($0) }))
            }
            try fields.append("refused", .document(refused))
            try fields.append("swapped", .array(swapped.map { .string($0) }))
            return fields
        }
    }

    var document: BSONDocument {
        get throws {
            var document: BSONDocument = [
                "_id": .binary(BSONBinary(id)), "kind": .string(kind.rawValue), "swap": .bool(isSwap),
                "types": .array(types.map { .string($0) }), "ids": .array(ids.map { .string($0) }),
                "schemas": .array(schemas.map { .int32($0) }), "program": program.map { .string($0) } ?? .null,
                "startedAt": .datetime(try BSONDate(startedAt)),
            ]
            for (key, value) in try progress.fields { try document.append(key, value) }
            return document
        }
    }

    /// Nil when the document is not one that this version has written.
    package init?(_ document: BSONDocument) {
        func number(_ key: String) -> Int { document[key]?.count ?? 0 }
        func texts(_ key: String) -> [String] {
            guard case .array(let values) = document[key] else { return [] }
            return values.compactMap { if case .string(let text) = $0 { text } else { nil } }
        }
        guard case .binary(let id) = document["_id"], let uuid = id.uuid,
            case .string(let kind) = document["kind"], let kind = Kind(rawValue: kind),
            case .string(let status) = document["status"], let status = Status(rawValue: status),
            case .string(let holder) = document["holder"],
            case .datetime(let startedAt) = document["startedAt"], case .datetime(let updatedAt) = document["updatedAt"],
            case .array(let ranges) = document["ranges"]
        else { return nil }
        var schemas: [Int32] = []
        if case .array(let values) = document["schemas"] {
            schemas = values.compactMap { if case .int32(let schema) = $0 { schema } else { nil } }
        }
        let program: String? = if case .string(let program) = document["program"] { program } else { nil }
        self.init(
            id: uuid, kind: kind, isSwap: document["swap"] == .bool(true), types: texts("types"), ids: texts("ids"),
            schemas: schemas, program: program, holder: holder, at: startedAt.date,
            parts: ranges.compactMap { if case .document(let range) = $0 { Part(range) } else { nil } })
        self.status = status
        self.updatedAt = updatedAt.date
        if case .datetime(let endedAt) = document["endedAt"] { self.endedAt = endedAt.date }
        (checked, events, written) = (number("checked"), number("events"), number("written"))
        if case .document(let counts) = document["counts"] {
            // A later version may have kinds that this one does not know. What cannot be a kind's name was not written by Daybook.
            for (kind, value) in counts.fields.prefix(64) where value.number != nil && Self.mayBeKind(kind) {
                countsByName[kind] = value.count
            }
        }
        if case .string(let reason) = document["reason"] { self.reason = reason }
        if case .document(let tokens) = document["tokens"] {
            for (type, token) in tokens.fields { if case .document(let token) = token { self.tokens[type] = token } }
        }
        if case .document(let builds) = document["builds"] {
            for (type, build) in builds.fields {
                if case .document(let build) = build { self.builds[type] = SnapshotBuild(build) }
            }
        }
        if case .document(let refused) = document["refused"] {
            for (type, ids) in refused.fields {
                guard case .array(let ids) = ids else { continue }
                self.refused[type] = ids.compactMap { if case .string(let id) = $0 { id } else { nil } }
            }
        }
        swapped = texts("swapped")
    }

    /// Whether it can be the name of a kind of finding, which is a field of the run's document.
    private static func mayBeKind(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.allSatisfy { $0.isASCII && $0.isLetter }
    }
}

extension ReconcileRun.Part {
    fileprivate var document: BSONDocument {
        get throws {
            var document: BSONDocument = [
                "type": .string(type), "from": .string(range.lower), "to": .string(range.upper), "isDone": .bool(isDone),
            ]
            if let position { try document.append("position", .string(position)) }
            return document
        }
    }

    fileprivate init?(_ document: BSONDocument) {
        guard case .string(let type) = document["type"], case .string(let lower) = document["from"],
            case .string(let upper) = document["to"], case .bool(let isDone) = document["isDone"]
        else { return nil }
        self.init(type: type, range: IDRange(lower: lower, upper: upper))
        self.isDone = isDone
        if case .string(let position) = document["position"] { self.position = position }
    }
}

extension DaybookStore {
    /// The last repairs and rebuilds of this database, the newest first.
    public func runs(limit: Int = 20) async throws -> [ReconcileRun] {
        try await telemetry.perform("runs") {
            try await client.withConnection(.single) { connection in
                var runs: [ReconcileRun] = []
                let options = FindOptions(sort: [("_id", -1)], limit: max(1, limit))
                try connection.find([:], in: ReconcileRun.namespace(database), options: options) { document in
                    if let run = ReconcileRun(BSONDocument(document)) { runs.append(run) }
                    return true
                }
                return runs
            }
        }
    }
}
