package import DaybookBSON
package import DaybookMongo
public import Foundation

/// The record of long work on a database, such as a rebuild: a document of `daybook.runs`, kept up to date while it works and
/// kept when it has ended.
///
/// `{ _id, kind, swap, types, ids, schemas, program, status, holder, startedAt, updatedAt, endedAt, checked, events, written,
/// counts, reason, ranges, tokens, builds: { <type>: { collection, uuid } }, refused: { <type>: [id] }, swapped }`
public struct MaintenanceRun: Sendable {
    /// What it does. A later version of Daybook may have kinds that this one does not know.
    public struct Kind: RawRepresentable, Sendable, Hashable {
        public static let patch = Kind(rawValue: "patch")
        public static let rebuild = Kind(rawValue: "rebuild")

        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }
    }

    /// How it stands.
    public enum Status: String, Sendable {
        /// It works, or its process died: see ``MaintenanceRun/updatedAt``.
        case running
        /// It came to its end.
        case done
        /// It was told to stop.
        case interrupted
        /// It could not go on; ``MaintenanceRun/reason`` says why.
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
    public package(set) var isSwap = false
    /// The kinds of aggregates that it is about, and the aggregates where it is only about some.
    public let types: [String], ids: [String]
    /// The declared `stateSchema` of each type: what was made by another program is not continued.
    package var schemas: [Int32] = []
    /// The fingerprint of the program that began it; nil where it could not be taken.
    package var program: String?
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
    package var parts: [Part] = []
    /// Of a swap: up to where the journal was followed, for each type that was begun.
    package internal(set) var tokens: [String: BSONDocument] = [:]
    /// Of a swap: the collection that was built for each type that was begun.
    package internal(set) var builds: [String: SnapshotBuild] = [:]
    /// Of a swap: the aggregates of each type whose snapshots a unique index of the operator's has refused, until now.
    var refused: [String: [String]] = [:]
    /// Of a swap: the types that are done.
    package internal(set) var swapped: [String] = []

    /// How much of the ids is done, from 0 to 1, by its parts.
    public var completion: Double {
        parts.isEmpty ? 0 : Double(parts.count(where: \.isDone)) / Double(parts.count)
    }

    package init(_ kind: Kind, of types: [String], ids: [String] = [], id: UUID, holder: String, at now: Date) {
        self.kind = kind
        self.types = types
        self.ids = ids
        self.id = id
        self.holder = holder
        startedAt = now
        updatedAt = now
    }
}

// MARK: Resumption

extension MaintenanceRun {
    /// A run that has been silent for longer is not resumed: what it had done may have drifted again.
    package static let resumableFor: TimeInterval = 3600

    /// The reason that is stored in the record of a run that is not resumed any more.
    package static let givenUp = "it was given up, and all was begun anew"

    /// Whether it has neither come to its end nor been given up.
    package var isUnfinished: Bool { status != .done && reason != Self.givenUp }

    /// Why the work of this run, which did not come to its end, is not resumed by `next`; nil when it is.
    func obstacle(to next: MaintenanceRun, at now: Date) -> String? {
        guard schemas == next.schemas, let program, program == next.program else {
            return "another program began it, whose states may be others"
        }
        guard now.timeIntervalSince(updatedAt) < Self.resumableFor else {
            return "its last record is of \(updatedAt.formatted(.iso8601)), and what it had done by then may have drifted since"
        }
        return nil
    }

    /// This run, continued by the process `holder`.
    func resumed(by holder: String, at now: Date) -> MaintenanceRun {
        var run = self
        run.holder = holder
        run.status = .running
        run.updatedAt = now
        run.endedAt = nil
        run.reason = nil
        return run
    }

    static var takenOver: DaybookError {
        DaybookError(
            .conflict,
            "another process has taken this run over, because this one was held up for longer than its lease lasts. Leave it to "
                + "that process, or start the command again when it has ended.")
    }
}

// MARK: Its document

extension MaintenanceRun {
    package static func namespace(_ database: String) -> Namespace {
        Namespace(database: database, collection: ControlCollection.runs.rawValue)
    }

    /// What changes while it works.
    var progress: BSONDocument {
        get throws {
            let counts = countsByName.filter { $0.value > 0 }
            var fields: BSONDocument = [
                "status": .string(status.rawValue), "holder": .string(holder), "updatedAt": .datetime(try BSONDate(updatedAt)),
                "checked": .int64(Int64(checked)), "events": .int64(Int64(events)), "written": .int64(Int64(written)),
                "counts": try Self.map(counts) { .int64(Int64($0)) },
                "ranges": .array(try parts.map { .document(try $0.document) }),
                // A run that is resumed has neither any more.
                "endedAt": try endedAt.map { .datetime(try BSONDate($0)) } ?? .null,
                "reason": reason.map { .string($0) } ?? .null,
            ]
            guard isSwap else { return fields }
            try fields.append("tokens", Self.map(tokens) { .document($0) })
            try fields.append("builds", Self.map(builds) { .document($0.document) })
            try fields.append("refused", Self.map(refused) { .texts($0) })
            try fields.append("swapped", .texts(swapped))
            return fields
        }
    }

    var document: BSONDocument {
        get throws {
            var document: BSONDocument = [
                "_id": .binary(BSONBinary(id)), "kind": .string(kind.rawValue), "swap": .bool(isSwap), "types": .texts(types),
                "ids": .texts(ids), "schemas": .array(schemas.map { .int32($0) }),
                "program": program.map { .string($0) } ?? .null,
                "startedAt": .datetime(try BSONDate(startedAt)),
            ]
            for (key, value) in try progress.fields { try document.append(key, value) }
            return document
        }
    }

    /// Nil when the document is not one that Daybook has written. A field that a hand has made something else is left out.
    package init?(_ document: BSONDocument) {
        func texts(_ key: String) -> [String] { document[key]?.array?.compactMap(\.text) ?? [] }
        func map<Value>(_ key: String, _ value: (BSONValue) -> Value?) -> [String: Value] {
            (document[key]?.document?.fields ?? []).reduce(into: [:]) { $0[$1.key] = value($1.value) }
        }
        guard let id = document["_id"]?.uuid, let kind = document["kind"]?.text, Self.isName(kind),
            let status = document["status"]?.text.flatMap(Status.init), let holder = document["holder"]?.text,
            let startedAt = document["startedAt"]?.date, let updatedAt = document["updatedAt"]?.date,
            let ranges = document["ranges"]?.array
        else { return nil }
        self.init(Kind(rawValue: kind), of: texts("types"), ids: texts("ids"), id: id, holder: holder, at: startedAt)
        isSwap = document["swap"] == .bool(true)
        schemas = document["schemas"]?.array?.compactMap { if case .int32(let schema) = $0 { schema } else { nil } } ?? []
        program = document["program"]?.text
        self.status = status
        self.updatedAt = updatedAt
        endedAt = document["endedAt"]?.date
        checked = document["checked"]?.count ?? 0
        events = document["events"]?.count ?? 0
        written = document["written"]?.count ?? 0
        // A later version may have kinds that this one does not know. What cannot be a kind's name was not written by Daybook.
        for (kind, value) in (document["counts"]?.document?.fields ?? []).prefix(64) where Self.isName(kind) {
            if value.number != nil { countsByName[kind] = value.count }
        }
        reason = document["reason"]?.text
        parts = ranges.compactMap { $0.document.flatMap(Part.init) }
        tokens = map("tokens", \.document)
        builds = map("builds") { $0.document.flatMap(SnapshotBuild.init) }
        refused = map("refused") { $0.array?.compactMap(\.text) }
        swapped = texts("swapped")
    }

    /// Whether it can be the name of a kind of work or of findings; the latter is a field of the run's document.
    private static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.allSatisfy { $0.isASCII && $0.isLetter }
    }

    private static func map<Value>(_ values: [String: Value], _ value: (Value) -> BSONValue) throws -> BSONValue {
        var document = BSONDocument()
        for (key, entry) in values.sorted(by: { $0.key < $1.key }) { try document.append(key, value(entry)) }
        return .document(document)
    }
}

extension MaintenanceRun.Part {
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
        guard let type = document["type"]?.text, let lower = document["from"]?.text, let upper = document["to"]?.text,
            case .bool(let isDone) = document["isDone"]
        else { return nil }
        self.init(type: type, range: IDRange(lower: lower, upper: upper))
        self.isDone = isDone
        position = document["position"]?.text
    }
}
