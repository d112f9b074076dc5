/// The coding key of one case of an enum. It makes containers whose only key it is.
///
/// Most events of a journal are of a few cases, so their keys are cached and need not be looked up by name for each
/// event. As with ``DocumentContainers``, the object has the metadata that a generic function would look up.
class CaseKey<Key: CodingKey> {
    let text: String
    let all: [Key]

    init(_ key: Key) {
        text = key.stringValue
        all = [key]
    }

    func makeContainer(_ storage: DecodingStorage, _ payload: EncodedValue) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(CaseDecoding(storage, payload, self))
    }
}

/// A container for a case.
protocol CaseContainer: KeyedDecodingContainerProtocol {
    init(_ storage: DecodingStorage, _ payload: EncodedValue, _ known: CaseKey<Key>)
}

extension CaseDecoding: CaseContainer {}

private final class KnownCaseKey<Container: CaseContainer>: CaseKey<Container.Key> {
    override func makeContainer(_ storage: DecodingStorage, _ payload: EncodedValue) -> KeyedDecodingContainer<
        Container.Key
    > {
        KeyedDecodingContainer(Container(storage, payload, self))
    }
}

extension DecodingStorage {
    /// A container whose only key is the case `name`, and whose only value is the root document.
    ///
    /// - Throws: ``BSONError/Code/unknownCase``
    func container<Key: CodingKey>(keyedByCaseOf type: Key.Type, named name: String) throws -> KeyedDecodingContainer<
        Key
    > {
        let known: AnyObject
        if let index = memory.index(of: type, named: name), let object = memory[index] {
            known = object
        } else {
            known = try newKey(type, named: name)
            memory.add(type, named: name, known)
        }
        // newKey(_:named:) made the cached object for this very type of key and name.
        return unsafeDowncast(known, to: CaseKey<Key>.self).makeContainer(self, try rootValue())
    }

    /// In a function of its own, never inlined, because it needs metadata that would otherwise be looked up for every
    /// event.
    @inline(never)
    private func newKey<Key: CodingKey>(_ type: Key.Type, named name: String) throws -> AnyObject {
        guard let key = Key(stringValue: name) else { throw BSONError.unknownCase(name) }
        return KnownCaseKey<CaseDecoding<Key>>(key)
    }
}
