package import DaybookBSON
package import DaybookMongo
internal import Foundation

extension MaintenanceRun {
    package static func namespace(_ database: String) -> Namespace {
        Namespace(database: database, collection: ControlCollection.runs.rawValue)
    }

    /// What changes while it works.
    var progress: BSONDocument {
        get throws {
            let counts = countsByName.filter { $0.value > 0 }
            var fields: BSONDocument = [
                "status": .string(status.rawValue), "holder": .string(holder),
                "updatedAt": .datetime(try BSONDate(updatedAt)),
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
                "_id": .binary(BSONBinary(id)), "kind": .string(kind.rawValue), "swap": .bool(isSwap),
                "types": .texts(types),
                "ids": .texts(ids), "schemas": .array(schemas.map { .int32($0) }),
                "program": program.map { .string($0) } ?? .null,
                "startedAt": .datetime(try BSONDate(startedAt)),
            ]
            if let by { try document.append("by", .string(by)) }
            if let why { try document.append("why", .string(why)) }
            for (key, value) in try progress.fields { try document.append(key, value) }
            return document
        }
    }

    /// Nil when the document is not one that Daybook has written. A field that a hand has made something else is left
    /// out.
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
        schemas =
            document["schemas"]?.array?.compactMap { if case .int32(let schema) = $0 { schema } else { nil } } ?? []
        program = document["program"]?.text
        by = document["by"]?.text
        why = document["why"]?.text
        self.status = status
        self.updatedAt = updatedAt
        endedAt = document["endedAt"]?.date
        checked = document["checked"]?.count ?? 0
        events = document["events"]?.count ?? 0
        written = document["written"]?.count ?? 0
        // A later version may have kinds that this one does not know. What cannot be a kind's name was not written by
        // Daybook.
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
                "type": .string(type), "from": .string(range.lower), "to": .string(range.upper),
                "isDone": .bool(isDone),
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
