/// Makes keyed containers of one key type, with the metadata that a generic function would look up; see
/// ``DocumentContainers``.
class FieldContainers<Key: CodingKey> {
    func make(_ handle: EncodingHandle) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(KeyedEncoding<Key>(beginningIn: handle))
    }
}

/// A container for the fields of a document that is being encoded.
protocol FieldContainer: KeyedEncodingContainerProtocol {
    init(beginningIn handle: EncodingHandle)
}

extension KeyedEncoding: FieldContainer {}

private final class KnownFieldContainers<Container: FieldContainer>: FieldContainers<Container.Key> {
    override func make(_ handle: EncodingHandle) -> KeyedEncodingContainer<Container.Key> {
        KeyedEncodingContainer(Container(beginningIn: handle))
    }
}

extension EncodingHandle {
    /// A container for the fields of the document that this node becomes.
    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        guard let known = storage.containers(keyedBy: type) else { return newContainer() }
        // newContainers(keyedBy:) made the cached object for this very type of key.
        return unsafeDowncast(known, to: FieldContainers<Key>.self).make(self)
    }

    /// In a function of its own, never inlined, because it needs metadata that would otherwise be looked up for every
    /// container.
    @inline(never)
    private func newContainer<Key: CodingKey>() -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(KeyedEncoding<Key>(beginningIn: self))
    }
}

extension EncodingStorage {
    /// Nil when this type of key is requested for the first time.
    @inline(__always)
    fileprivate func containers<Key: CodingKey>(keyedBy type: Key.Type) -> AnyObject? {
        guard let index = memory.index(of: type) else {
            memory.add(type, nil)
            return nil
        }
        if memory[index] == nil { memory[index] = newContainers(keyedBy: type) }
        return memory[index]
    }

    @inline(never)
    private func newContainers<Key: CodingKey>(keyedBy: Key.Type) -> AnyObject {
        KnownFieldContainers<KeyedEncoding<Key>>()
    }
}
