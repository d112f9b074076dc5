/// Makes keyed containers of one key type.
///
/// In a generic function that makes a `KeyedDecoding<Key>`, the runtime looks up its metadata and its conformance each
/// time, which takes some hundred instructions. An object whose class has `Key` as a parameter already has both.
class DocumentContainers<Key: CodingKey> {
    func make(_ storage: DecodingStorage, _ value: EncodedValue, isFlat: Bool) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try KeyedDecoding<Key>(storage, value, isFlat: isFlat))
    }
}

/// A container for the fields of a document.
protocol DocumentContainer: KeyedDecodingContainerProtocol {
    init(_ storage: DecodingStorage, _ value: EncodedValue, isFlat: Bool) throws
}

extension KeyedDecoding: DocumentContainer {}

private final class KnownDocumentContainers<Container: DocumentContainer>: DocumentContainers<Container.Key> {
    override func make(
        _ storage: DecodingStorage, _ value: EncodedValue, isFlat: Bool
    ) throws -> KeyedDecodingContainer<Container.Key> {
        KeyedDecodingContainer(try Container(storage, value, isFlat: isFlat))
    }
}

extension DecodingStorage {
    /// A container for the fields of the document `value`.
    func container<Key: CodingKey>(
        keyedBy type: Key.Type, _ value: EncodedValue, isFlat: Bool = false
    ) throws -> KeyedDecodingContainer<Key> {
        guard let known = containers(keyedBy: type) else {
            return try newContainer(value, isFlat: isFlat)
        }
        // newContainers(keyedBy:) made the cached object for this very type of key.
        return try unsafeDowncast(known, to: DocumentContainers<Key>.self).make(self, value, isFlat: isFlat)
    }

    // In functions of their own, never inlined, because they need metadata that would otherwise be looked up for every
    // container.

    @inline(never)
    private func newContainer<Key: CodingKey>(_ value: EncodedValue, isFlat: Bool) throws -> KeyedDecodingContainer<Key>
    {
        KeyedDecodingContainer(try KeyedDecoding<Key>(self, value, isFlat: isFlat))
    }

    @inline(never)
    private func newContainers<Key: CodingKey>(keyedBy: Key.Type) -> AnyObject {
        KnownDocumentContainers<KeyedDecoding<Key>>()
    }

    /// Nil when this type of key is requested for the first time.
    @inline(__always)
    private func containers<Key: CodingKey>(keyedBy type: Key.Type) -> AnyObject? {
        guard let index = memory.index(of: type) else {
            memory.add(type, nil)
            return nil
        }
        if memory[index] == nil { memory[index] = newContainers(keyedBy: type) }
        return memory[index]
    }
}
