internal import Crypto
internal import Daybook
internal import DaybookBSON

/// The content of a golden file: events as they were stored, and the state that they made.
struct GoldenFile: Hashable {
    var aggregate: String
    var stateSchema: Int32
    var events: [EventContent]
    var state: BSONDocument

    /// The reason why a text is not a golden file.
    struct Malformed: Error {
        var reason: String
    }

    /// The digest of the state's bytes. It detects extended JSON that was changed and is still valid.
    static func sha256(_ state: BSONDocument) -> String {
        SHA256.hash(data: state.bytes).map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0\(digits)" : digits
        }.joined()
    }
}

// MARK: - Writing

extension GoldenFile {
    /// The text of the file, the same for the same content. A field gets a line of its own where it does not fit beside
    /// others, and a newline ends the text.
    ///
    /// - Throws: ``Malformed`` when the content cannot be read back to the same bytes.
    func text() throws -> String {
        let events = try events.map { event in
            """
                {
                  "type": \(try BSONValue.string(event.type).extendedJSON(.canonical)),
                  "schema": \(event.schema),
                  "data": \(try event.data.laidOut(.canonical, indent: 6))
                }
            """
        }
        let text = """
            {
              "aggregate": \(try BSONValue.string(aggregate).extendedJSON(.canonical)),
              "stateSchema": \(stateSchema),
              "events": [
            \(events.joined(separator: ",\n"))
              ],
              "state": \(try state.laidOut(.canonical, indent: 2)),
              "sha256": "\(Self.sha256(state))"
            }

            """
        guard try GoldenFile(text: text) == self else {
            throw Malformed(reason: "an event or the state holds what extended JSON cannot give back unchanged")
        }
        return text
    }
}

// MARK: - Reading

extension GoldenFile {
    /// - Throws: ``Malformed``
    init(text: String) throws {
        let document: BSONDocument
        do {
            document = try BSONDocument(extendedJSON: text)
        } catch {
            throw Malformed(reason: "it is not extended JSON: \(shown(error))")
        }
        var fields = try Fields(document, of: "the file")
        aggregate = try fields.string("aggregate")
        stateSchema = try fields.schema("stateSchema")
        events = try fields.array("events").enumerated().map { index, value in
            let name = "events.\(index)"
            guard case .document(let event) = value else { throw Malformed(reason: "\(name) is not an object") }
            var fields = try Fields(event, of: name)
            let found = EventContent(
                type: try fields.string("type"), schema: try fields.schema("schema"), data: try fields.document("data"))
            try fields.requireNoMore()
            return found
        }
        state = try fields.document("state")
        let digest = try fields.string("sha256")
        try fields.requireNoMore()
        guard digest == Self.sha256(state) else {
            throw Malformed(reason: "sha256 is not that of state: the file was edited, or damaged")
        }
    }

    /// The fields of an object. Each can be taken once.
    private struct Fields {
        private var left: [String: BSONValue] = [:]
        private let name: String

        init(_ document: BSONDocument, of name: String) throws {
            self.name = name
            for (key, value) in document.fields {
                guard left.updateValue(value, forKey: key) == nil else {
                    throw Malformed(reason: "\(name) has two fields \(shown(key))")
                }
            }
        }

        private mutating func take(_ key: String) throws -> BSONValue {
            guard let value = left.removeValue(forKey: key) else {
                throw Malformed(reason: "\(name) has no field \(key)")
            }
            return value
        }

        private func wrong(_ key: String, _ wanted: String) -> Malformed {
            Malformed(reason: "\(key) of \(name) is not \(wanted)")
        }

        mutating func string(_ key: String) throws -> String {
            guard case .string(let text) = try take(key) else { throw wrong(key, "a string") }
            return text
        }

        mutating func schema(_ key: String) throws -> Int32 {
            guard case .int32(let number) = try take(key), number > 0 else { throw wrong(key, "a number from 1 on") }
            return number
        }

        mutating func array(_ key: String) throws -> [BSONValue] {
            guard case .array(let values) = try take(key) else { throw wrong(key, "an array") }
            return values
        }

        mutating func document(_ key: String) throws -> BSONDocument {
            guard case .document(let document) = try take(key) else { throw wrong(key, "an object") }
            return document
        }

        func requireNoMore() throws {
            guard let key = left.keys.min() else { return }
            throw Malformed(reason: "\(name) has an unknown field \(shown(key))")
        }
    }
}
