internal import Foundation

/// The identity of an aggregate: its type and its key, written `license/L-1`. The first `/` ends the type.
///
/// Ids compare, hash and sort by their UTF-8 bytes, as MongoDB orders them, and not as Swift compares strings.
public struct AggregateID: Sendable, CustomStringConvertible {
    /// The kind of aggregate.
    public let type: AggregateType
    /// `type/key`
    public let rawValue: String

    /// - Parameter key: Valid UTF-8 in Unicode normalization form C, 1 to 256 bytes, without control characters. It
    ///   must not hold personal data: an id can never be erased from the journal.
    /// - Throws: ``DaybookError/Code/invalidArgument`` with the rule that `key` breaks.
    public init(_ type: AggregateType, key: String) throws(DaybookError) {
        try Self.check(key, what: "key", maximumBytes: 256)
        self.type = type
        rawValue = "\(type.rawValue)/\(key)"
    }

    /// Parses `type/key`.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument``
    public init(parsing text: String) throws(DaybookError) {
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")),
            let type = AggregateType(rawValue: String(text[..<slash]))
        else {
            throw DaybookError(.invalidArgument, "an aggregate id is written type/key, as in license/L-1")
        }
        try Self.check(text[text.utf8.index(after: slash)...], what: "key", maximumBytes: 256)
        self.type = type
        rawValue = text
    }

    /// The part after the type.
    public var key: String {
        String(decoding: rawValue.utf8.dropFirst(type.rawValue.utf8.count + 1), as: UTF8.self)
    }

    /// `type/key`, as it is stored.
    public var description: String { rawValue }

    /// Checks a key or a command id. MongoDB compares bytes, so a text must have only one valid spelling.
    package static func check(_ text: some StringProtocol, what: String, maximumBytes: Int) throws(DaybookError) {
        let count = text.utf8.count
        guard count > 0 else { throw DaybookError(.invalidArgument, "the \(what) is empty") }
        guard count <= maximumBytes else {
            throw DaybookError(.invalidArgument, "the \(what) has \(count) bytes; at most \(maximumBytes) are allowed")
        }
        func isPlain(_ bytes: some Sequence<UInt8>) -> Bool { bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }
        if text.utf8.withContiguousStorageIfAvailable({ isPlain($0) }) ?? isPlain(text.utf8) { return }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw DaybookError(.invalidArgument, "the \(what) has a control character")
        }
        guard text.precomposedStringWithCanonicalMapping.utf8.elementsEqual(text.utf8) else {
            throw DaybookError(.invalidArgument, "the \(what) is not in Unicode normalization form C")
        }
    }
}

extension AggregateID: Hashable, Comparable {
    /// Whether both have the same bytes.
    public static func == (left: AggregateID, right: AggregateID) -> Bool {
        // Compare bytes, as MongoDB does. Swift's `==` calls some texts equal that Foundation's normalization form C
        // leaves with different bytes: characters newer than Foundation's Unicode version, and combining marks that it
        // leaves in either order.
        left.rawValue.hasSameBytes(as: right.rawValue)
    }

    /// By bytes, as MongoDB sorts ids.
    public static func < (left: AggregateID, right: AggregateID) -> Bool {
        left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        var text = rawValue
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // 0xFF never occurs in UTF-8, so it terminates the id: no id is a prefix of another.
        hasher.combine(0xFF as UInt8)
    }
}
