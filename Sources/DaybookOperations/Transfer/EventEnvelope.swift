internal import Daybook
internal import DaybookBSON

/// What every event has around its payload, of one that comes from outside: checked as strictly as ``Journal/validator`` does, and by the rules
/// for ids that no validator knows.
struct EventEnvelope: Sendable {
    let aggregateID: AggregateID
    let version: Int64
    let commandID: String?

    /// - Throws: ``DaybookError/Code/invalidImport`` with the field and what is wrong with it.
    init(_ document: BorrowedDocument) throws(DaybookError) {
        var parts = Parts()
        do {
            try Self.fields(of: document, "", required: Self.required) { try parts.read($0, $1) }
            guard let id = parts.aggregateID, let version = parts.version else { throw Fault("lacks a field") }
            (aggregateID, self.version, commandID) = (id, version, parts.commandID)
        } catch let fault as Fault {
            throw DaybookError(
                .invalidImport, "it is no event: it \(fault.text)", aggregateID: parts.aggregateID?.rawValue,
                version: parts.version)
        } catch {
            throw DaybookError(
                .invalidImport, "it is no event: \(error)", aggregateID: parts.aggregateID?.rawValue, version: parts.version)
        }
    }

    private struct Fault: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    private static let required = [
        "_id", "aggregateId", "version", "type", "schema", "data", "recordedAt", "commit", "meta",
    ]

    /// Visits the fields of a document, each of which is known and comes once.
    ///
    /// - Parameter visit: Gets the field and its path; false for one that no event has.
    private static func fields(
        of document: BorrowedDocument, _ path: String, required: [String], visit: (BorrowedElement, String) throws -> Bool
    ) throws {
        var seen: Set<String> = []
        var elements = document.makeElements()
        while let element = try elements.next() {
            let key = try element.keyString
            guard seen.insert(key).inserted else { throw Fault("has the field \"\(path)\(key)\" twice") }
            // MongoDB moves the id to the front of what it stores, and the bytes would no longer be the same.
            guard !path.isEmpty || key == "_id" || seen.contains("_id") else { throw Fault("does not begin with its _id") }
            do {
                guard try visit(element, path + key) else { throw Fault("has a field \"\(path)\(key)\", which no event has") }
            } catch let error as BSONError {
                throw Fault("has a field \"\(path)\(key)\" of another form: \(error.message)")
            } catch let error as DaybookError {
                throw Fault("has a field \"\(path)\(key)\" that cannot be: \(error.message)")
            }
        }
        if let missing = required.first(where: { !seen.contains($0) }) { throw Fault("lacks the field \"\(path)\(missing)\"") }
    }

    private struct Parts {
        var aggregateID: AggregateID?
        var version: Int64?
        var commandID: String?

        mutating func read(_ field: BorrowedElement, _ path: String) throws -> Bool {
            switch path {
            case "_id": _ = try field.uuid()
            case "aggregateId": aggregateID = try AggregateID(parsing: try field.string())
            case "version":
                let version = try Self.long(field)
                guard version >= 1 else { throw Fault("has the version \(version); versions begin at 1") }
                guard version <= Journal.maximumVersion else {
                    throw Fault("has the version \(version); they end at \(Journal.maximumVersion)")
                }
                self.version = version
            case "type":
                let type = try field.string()
                guard !type.isEmpty else { throw Fault("has an empty type") }
                guard !Correction.isReserved(type) || Journal.reservedEventTypes.contains(type) else {
                    throw Fault("has a type that begins with $ and is none of Daybook's own")
                }
            case "schema": try Self.check(path, try field.int32(), atLeast: 1)
            case "data": _ = try field.document()
            case "recordedAt": _ = try field.date()
            case "commit":
                try EventEnvelope.fields(of: try field.document(), "commit.", required: ["id", "index", "count"]) {
                    try Self.readCommit($0, $1)
                }
            case "meta":
                try EventEnvelope.fields(of: try field.document(), "meta.", required: []) { try readMetadata($0, $1) }
            default: return false
            }
            return true
        }

        private static func readCommit(_ field: BorrowedElement, _ path: String) throws -> Bool {
            switch path {
            case "commit.id": _ = try field.uuid()
            case "commit.index": try check(path, try field.int32(), atLeast: 0)
            case "commit.count": try check(path, try field.int32(), atLeast: 1)
            default: return false
            }
            return true
        }

        private mutating func readMetadata(_ field: BorrowedElement, _ path: String) throws -> Bool {
            switch path {
            case "meta.commandId":
                let id = try field.string()
                try AggregateID.check(id, what: "command id", maximumBytes: 256)
                commandID = id
            case "meta.commandDigest": _ = try field.binary()
            case "meta.commandName", "meta.correlationId", "meta.causationId", "meta.actor": _ = try field.string()
            case "meta.headers":
                try EventEnvelope.fields(of: try field.document(), "meta.headers.", required: []) { header, _ in
                    _ = try header.string()
                    return true
                }
            default: return false
            }
            return true
        }

        /// An int64, and not the int32 that is read as one elsewhere.
        private static func long(_ field: BorrowedElement) throws -> Int64 {
            guard field.type == .int64 else { throw Fault("has a version that is \(field.type) and not long") }
            return try field.int64()
        }

        private static func check(_ path: String, _ number: Int32, atLeast minimum: Int32) throws {
            guard number >= minimum else { throw Fault("has \(number) for \(path), which is at least \(minimum)") }
        }
    }
}
