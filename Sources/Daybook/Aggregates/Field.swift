internal import DaybookBSON

/// A part of the state that queries may name: the one declaration behind typed queries and indexes.
public struct Field<Root: Aggregate>: Sendable {
    /// The field's name in the encoded state; `a.b` for a nested one.
    public let name: String
    /// Whether ``DaybookStore/initialize(_:)-(Aggregate....)`` gives it an index.
    public let isIndexed: Bool
    let keyPath: any AnyKeyPath & Sendable
    /// Its value in a state as it would be stored; nil where that cannot be said.
    let encodedValue: @Sendable (Root) -> BSONValue?
    /// Copies of a state that differ from it in this value; none where it cannot be set.
    let changes: @Sendable (Root) -> [Root]

    /// - Parameters:
    ///   - name: The name it is encoded under.
    ///   - indexed: Whether a query by it must not scan the collection.
    public init<Value>(_ name: String, _ keyPath: any KeyPath<Root, Value> & Sendable, indexed: Bool = false) {
        self.name = name
        self.keyPath = keyPath
        isIndexed = indexed
        encodedValue = { state in
            guard let value = state[keyPath: keyPath] as? any Encodable else { return nil }
            return try? BSONEncoder().encodeValue(value)
        }
        changes = { state in
            guard let keyPath = keyPath as? WritableKeyPath<Root, Value> else { return [] }
            return SampleValues.samples(of: Value.self).compactMap { sample in
                guard let value = sample as? Value else { return nil }
                var changed = state
                changed[keyPath: keyPath] = value
                return changed
            }
        }
    }

    /// Its path in the snapshot document.
    var path: String { SnapshotKey.path(ofStateField: name) }
}
