/// Makes keyed containers of one key type.
///
/// A generic function that makes a `KeyedDecoding<Key>` has the runtime look for its metadata and its conformance each time, some hundred
/// instructions. An object whose class has that type as a parameter has both at hand.
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
        guard let index = memory.index(of: type) else {
            memory.add(type, nil)
            return KeyedDecodingContainer(try KeyedDecoding<Key>(self, value, isFlat: isFlat))
        }
        let known: AnyObject
        if let object = memory[index] {
            known = object
        } else {
            known = KnownDocumentContainers<KeyedDecoding<Key>>()
            memory[index] = known
        }
        // What is remembered for a type of key without a name is made by the line above, for that very type.
        return try unsafeDowncast(known, to: DocumentContainers<Key>.self).make(self, value, isFlat: isFlat)
    }
}
