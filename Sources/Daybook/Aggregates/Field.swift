internal import DaybookBSON

/// A part of the state that queries may name. Typed queries and indexes both use this declaration.
public struct Field<Root: Queryable>: Sendable {
    /// The field's name in the encoded state; `a.b` for a nested one.
    public let name: String
    /// Whether ``DaybookStore/initialize(_:)-(Aggregate....)`` creates an index for it.
    public let isIndexed: Bool
    let keyPath: any AnyKeyPath & Sendable
    /// The field's value in a state, as it would be stored; nil where it cannot be encoded alone.
    let encodedValue: @Sendable (Root) -> BSONValue?
    /// Copies of a state with another value in this field; none where the field cannot be set.
    let changes: @Sendable (Root) -> [Root]

    /// - Parameters:
    ///   - name: The name that the value is encoded under.
    ///   - indexed: Whether the field has an index, so that a query by it need not scan the collection.
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

    /// The field's path in the stored document: a view's document has its state under the same name as a snapshot.
    var path: String { SnapshotKey.path(ofStateField: name) }
}
