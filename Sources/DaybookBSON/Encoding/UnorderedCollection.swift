/// A standard collection whose order is an accident, which the encoder therefore replaces by one of its own.
protocol UnorderedCollection: KnownToEncoder {
    /// How its elements are sorted where it is encoded as an array.
    static var sorting: EncodingNode.Sorting { get }
}

extension Set: KnownToEncoder, UnorderedCollection where Element: Encodable {
    static var sorting: EncodingNode.Sorting { .elements }
}

/// A dictionary encodes itself as an array of alternating keys and values if its keys cannot be coding keys; otherwise as
/// fields, which the encoder recognizes by ``DictionaryKeyProbe``.
extension Dictionary: KnownToEncoder, UnorderedCollection where Key: Encodable, Value: Encodable {
    static var sorting: EncodingNode.Sorting { .pairs }
}

/// Finds out which private type of coding key `Dictionary` asks its container for.
///
/// Knowing it, the encoder sorts the fields of every dictionary, even of one that a type encodes into its own document by
/// calling `dictionary.encode(to: encoder)`. (A set that is encoded so looks like any array and keeps its order; encode it
/// through a container.)
final class DictionaryKeyProbe {
    private var found: ObjectIdentifier?

    func record(_ key: any CodingKey.Type) {
        found = ObjectIdentifier(key)
    }

    static let dictionaryKey: ObjectIdentifier? = {
        let storage = EncodingStorage()
        storage.begin([:])
        let probe = DictionaryKeyProbe()
        storage.probe = probe
        try? [String: Int]().encode(to: ValueEncoder(handle: storage.root))
        return probe.found
    }()
}
