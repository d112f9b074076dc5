internal import ArgumentParser
internal import DaybookBSON

/// A field that a correction sets or removes: `status="issued"`.
struct CorrectedField: Sendable, Hashable {
    /// The names from the state down to the field.
    let path: [String]
    /// The new value; nil to remove the field.
    let value: BSONValue?

    /// Parses `path=value`.
    ///
    /// - Throws: A `ValidationError` that explains the syntax.
    init(assignment text: String) throws {
        guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            throw ValidationError("it is written path=value, as in renewals=2")
        }
        path = try Self.path(String(text[..<equals]))
        let json = String(text[text.utf8.index(after: equals)...])
        do {
            value = try BSONValue(extendedJSON: json)
        } catch {
            let isWord = !json.isEmpty && !json.unicodeScalars.contains { "{}[]\",:".unicodeScalars.contains($0) }
            throw ValidationError(
                isWord
                    ? "\(json) is not JSON; a text is quoted: '\(text[...equals])\"\(json)\"'"
                    : "the value is not extended JSON: \(error.message)")
        }
        guard value != .null else {
            throw ValidationError("null removes a field from a state: say --unset \(path.joined(separator: "."))")
        }
    }

    /// Parses the path of a field that is to be removed.
    init(removed text: String) throws {
        path = try Self.path(text)
        value = nil
    }

    private static func path(_ text: String) throws -> [String] {
        let path = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !path.contains("") else {
            throw ValidationError("a path is written name or name.name, and no name is empty")
        }
        guard path.count <= BSONDocument.maximumDepth else {
            throw ValidationError("a path has at most \(BSONDocument.maximumDepth) names")
        }
        return path
    }

    /// The merge patch with all of the changes.
    ///
    /// - Throws: A `ValidationError` when two paths are the same, or one lies inside another.
    static func patch(of fields: [CorrectedField]) throws -> BSONDocument {
        try patch(of: fields.map { ($0.path[...], $0) })
    }

    private static func patch(of fields: [(rest: ArraySlice<String>, field: CorrectedField)]) throws -> BSONDocument {
        var patch = BSONDocument()
        var keys: [String] = []
        for (rest, _) in fields {
            // Names compare by their bytes, as in MongoDB, and not by Swift's `==`.
            guard let key = rest.first, !keys.contains(where: { $0.utf8.elementsEqual(key.utf8) }) else { continue }
            keys.append(key)
            let same = fields.filter { $0.rest.first?.utf8.elementsEqual(key.utf8) ?? false }
            if let ended = same.first(where: { $0.rest.count == 1 }) {
                guard same.count == 1 else {
                    throw ValidationError(
                        "\(ended.field.path.joined(separator: ".")) is given twice, or together with a field inside it."
                    )
                }
                try patch.append(key, ended.field.value ?? .null)
            } else {
                try patch.append(key, .document(try Self.patch(of: same.map { ($0.rest.dropFirst(), $0.field) })))
            }
        }
        return patch
    }
}
