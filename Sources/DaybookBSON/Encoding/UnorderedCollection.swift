/// A standard collection without a defined order. The encoder sorts its elements.
protocol UnorderedCollection: KnownToEncoder {
    /// How its elements are sorted when it is encoded as an array.
    static var sorting: EncodingNode.Sorting { get }
}

extension Set: KnownToEncoder, UnorderedCollection where Element: Encodable {
    static var sorting: EncodingNode.Sorting { .elements }
}

/// A dictionary encodes itself as an array of alternating keys and values if its keys cannot be coding keys; otherwise
/// as fields, which the encoder recognizes by ``DictionaryKeyProbe``.
extension Dictionary: KnownToEncoder, UnorderedCollection where Key: Encodable, Value: Encodable {
    static var sorting: EncodingNode.Sorting { .pairs }
}

/// Finds the private type of coding key that `Dictionary` uses.
///
/// With it, the encoder sorts the fields of every dictionary, even of one that a type encodes into its own document by
/// calling `dictionary.encode(to: encoder)`. (A set that is encoded so looks like any array and keeps its order; encode
/// it through a container.)
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
