internal import Daybook
internal import DaybookBSON

extension StoredEvent {
    /// Makes an event from an untrusted document. Its envelope is checked as strictly as by ``Journal/validator``, and
    /// by the rules for ids that a validator cannot express.
    ///
    /// - Throws: ``DaybookError/Code/invalidImport`` with the field and what is wrong with it.
    init(checking document: BSONDocument) throws(DaybookError) {
        var check = EventCheck()
        do {
            try document.withBorrowed { try check.check($0) }
            try self.init(document)
        } catch {
            let reason = (error as? EventCheck.Fault).map { "it \($0.text)" } ?? "\(error)"
            throw DaybookError(
                .invalidImport, "it is no event: \(reason)", aggregateID: check.aggregateID?.rawValue,
                version: check.version)
        }
    }
}

/// Checks the rules of the journal's validator for an event that no server has checked.
private struct EventCheck {
    struct Fault: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    // The valid values that were read before a fault.
    private(set) var aggregateID: AggregateID?
    private(set) var version: Int64?

    mutating func check(_ event: BorrowedDocument) throws {
        try Self.visitFields(of: event, "", required: EventField.allCases.map(\.name)) { element, path in
            guard let field = EventField(of: element) else { return false }
            try check(element, as: field, path)
            return true
        }
    }

    private mutating func check(_ element: BorrowedElement, as field: EventField, _ path: String) throws {
        switch field {
        case .id: _ = try element.uuid()
        case .aggregateID: aggregateID = try AggregateID(parsing: try element.string())
        case .version: version = try Self.version(element)
        case .type: try Self.checkType(try element.string())
        case .schema: try Self.check(path, try element.int32(), atLeast: 1)
        case .data: _ = try element.document()
        case .recordedAt: _ = try element.date()
        case .commit: try Self.checkCommit(try element.document())
        case .metadata: try Self.checkMetadata(try element.document())
        }
    }

    /// Visits the fields of a document. Each must be known and occur once.
    ///
    /// - Parameter visit: Called with the field and its path. Returns false for a field that no event has.
    private static func visitFields(
        of document: BorrowedDocument, _ path: String, required: [String],
        visit: (BorrowedElement, String) throws -> Bool
    ) throws {
        var seen: Set<String> = []
        var elements = document.makeElements()
        while let element = try elements.next() {
            let key = try element.keyString
            guard seen.insert(key).inserted else { throw Fault("has the field \"\(path)\(key)\" twice") }
            // MongoDB moves the id to the front when it stores a document, and then the bytes would differ.
            guard !path.isEmpty || seen.contains(EventKey.id) else { throw Fault("does not begin with its _id") }
            do {
                guard try visit(element, path + key) else {
                    throw Fault("has a field \"\(path)\(key)\", which no event has")
                }
            } catch let error as BSONError {
                throw Fault("has a field \"\(path)\(key)\" of another form: \(error.message)")
            } catch let error as DaybookError {
                throw Fault("has a field \"\(path)\(key)\" that cannot be: \(error.message)")
            }
        }
        if let missing = required.first(where: { !seen.contains($0) }) {
            throw Fault("lacks the field \"\(path)\(missing)\"")
        }
    }

    /// Reads an int64; an int32, which other code accepts too, is refused.
    private static func version(_ element: BorrowedElement) throws -> Int64 {
        guard element.type == .int64 else { throw Fault("has a version that is \(element.type) and not long") }
        let version = try element.int64()
        guard version >= 1 else { throw Fault("has the version \(version); versions begin at 1") }
        guard version <= Journal.maximumVersion else {
            throw Fault("has the version \(version); they end at \(Journal.maximumVersion)")
        }
        return version
    }

    private static func checkType(_ type: String) throws {
        guard !type.isEmpty else { throw Fault("has an empty type") }
        guard !Correction.isReserved(type) || Journal.reservedEventTypes.contains(type) else {
            throw Fault("has a type that begins with $ and is none of Daybook's own")
        }
    }

    private static func checkCommit(_ commit: BorrowedDocument) throws {
        let required: [String] = [EventKey.commitID, EventKey.commitIndex, EventKey.commitCount]
        try visitFields(of: commit, "\(EventField.commit.name).", required: required) { element, path in
            if element.hasKey(EventKey.commitID) {
                _ = try element.uuid()
            } else if element.hasKey(EventKey.commitIndex) {
                try check(path, try element.int32(), atLeast: 0)
            } else if element.hasKey(EventKey.commitCount) {
                try check(path, try element.int32(), atLeast: 1)
            } else {
                return false
            }
            return true
        }
    }

    private static func checkMetadata(_ metadata: BorrowedDocument) throws {
        let texts: [String] = [
            EventKey.commandName, EventKey.correlationID, EventKey.causationID, EventKey.actor,
        ]
        try visitFields(of: metadata, "\(EventField.metadata.name).", required: []) { element, path in
            if element.hasKey(EventKey.commandID) {
                try AggregateID.check(try element.string(), what: "command id", maximumBytes: 256)
            } else if element.hasKey(EventKey.commandDigest) {
                _ = try element.binary()
            } else if texts.contains(where: { element.hasKey($0) }) {
                _ = try element.string()
            } else if element.hasKey(EventKey.headers) {
                try visitFields(of: try element.document(), "\(path).", required: []) { header, _ in
                    _ = try header.string()
                    return true
                }
            } else {
                return false
            }
            return true
        }
    }

    private static func check(_ path: String, _ number: Int32, atLeast minimum: Int32) throws {
        guard number >= minimum else { throw Fault("has \(number) for \(path), which is at least \(minimum)") }
    }
}
