internal import Crypto
internal import DaybookBSON
internal import Foundation

/// Where a page ended, so that the next page begins after it.
///
/// A key is an opaque text: letters, digits, `-` and `_`, so it fits into a URL as it is. It is valid for the same
/// aggregate type or view and the same sort, in any process, as long as the declared fields keep their names; the
/// filter may change. It holds the last document's id and the values that it was sorted by, encoded and not encrypted.
/// A checksum detects damage. A forged key reaches no documents that the filter does not match.
public struct PageKey: Sendable {
    /// The maximum size of a key: with 4 KiB it fits into a URL of the usual limits.
    static let maximumBytes = 4096
    private static let format: UInt8 = 1

    private let text: String
    /// Identifies the aggregate type or view, and the sort.
    let fingerprint: [UInt8]
    let position: PagePosition

    /// - Throws: ``DaybookError/Code/tooLarge`` when the values do not fit into a key.
    init(_ position: PagePosition, fingerprint: [UInt8]) throws {
        let document: BSONDocument = ["p": .array(position.values)]
        let content = [Self.format] + fingerprint + document.bytes
        let bytes = Self.checksum(content) + content
        guard bytes.count <= Self.maximumBytes else {
            throw DaybookError(
                .tooLarge,
                "the values that the pages are sorted by are too long for a page key, which has at most "
                    + "\(Self.maximumBytes) bytes: sort by other fields")
        }
        text = Self.encode(bytes)
        self.fingerprint = fingerprint
        self.position = position
    }

    /// Parses the text of a key.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument`` when the text is not a key, or not a whole one.
    public init(parsing text: String) throws(DaybookError) {
        guard let bytes = Self.decode(text), let key = Self.read(bytes) else {
            throw DaybookError(
                .invalidArgument, "this is not a page key: pass on the text of the key that came with a page as it was")
        }
        self.text = text
        (fingerprint, position) = key
    }

    private static func read(_ bytes: [UInt8]) -> (fingerprint: [UInt8], PagePosition)? {
        let content = Array(bytes.dropFirst(8))
        guard content.count > 9, Array(bytes.prefix(8)) == checksum(content), content[0] == format,
            let document = try? BSONDocument(validating: Array(content[9...]), maximumBytes: maximumBytes),
            case .array(let values) = document["p"], values.allSatisfy({ SortKind($0) != nil }),
            case .string = values.last
        else { return nil }
        return (Array(content[1..<9]), PagePosition(values: values))
    }

    private static func checksum(_ content: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: content).prefix(8))
    }

    // https://www.rfc-editor.org/rfc/rfc4648#section-5, without padding
    private static func encode(_ bytes: [UInt8]) -> String {
        String(
            Data(bytes).base64EncodedString().compactMap { character in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }

    private static func decode(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= maximumBytes * 4 / 3 + 1 else { return nil }
        var standard = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "-"): standard.append("+")
            case UInt8(ascii: "_"): standard.append("/")
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                standard.unicodeScalars.append(Unicode.Scalar(byte))
            default: return nil
            }
        }
        standard += String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        // A key has only one valid text: the unused bits of the last character must be as this program writes them.
        guard let data = Data(base64Encoded: standard), encode(Array(data)) == text else { return nil }
        return Array(data)
    }
}

extension PageKey {
    static func fingerprint(_ kind: DocumentKind, _ columns: [SortColumn]) -> [UInt8] {
        let parts = [kind.nameInPageKeys] + columns.map { "\($0.direction) \($0.path)" }
        return Array(SHA256.hash(data: Array(parts.joined(separator: "\0").utf8)).prefix(8))
    }

    /// The position, for pages of these documents in this order.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument`` when the key is for other documents or another order.
    func position(of kind: DocumentKind, in columns: [SortColumn]) throws -> PagePosition {
        guard fingerprint == Self.fingerprint(kind, columns), position.values.count == columns.count,
            case .string(let id) = position.values.last, kind.canHaveID(id)
        else {
            throw DaybookError(
                .invalidArgument,
                "this page key came with a page of another aggregate type or view, or in another order; it cannot "
                    + "continue this one")
        }
        return position
    }
}

extension PageKey: CustomStringConvertible {
    /// The text of the key. ``init(parsing:)`` makes the same key from it.
    public var description: String { text }
}

extension PageKey: Hashable {
    public static func == (left: PageKey, right: PageKey) -> Bool { left.text == right.text }

    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension PageKey: Codable {
    /// - Throws: `DecodingError.dataCorrupted`, with the ``DaybookError`` as its underlying error, when the text is not
    ///   a key.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            try self.init(parsing: text)
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: error.message, underlyingError: error))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
