/// A part of the state that queries may name: the one declaration behind typed queries and indexes.
public struct Field<Root: Aggregate>: Sendable {
    /// The field's name in the encoded state; `a.b` for a nested one.
    public let name: String
    /// Whether ``DaybookStore/initialize(_:)-(Aggregate....)`` gives it an index.
    public let isIndexed: Bool
    let keyPath: any AnyKeyPath & Sendable

    /// - Parameters:
    ///   - name: The name it is encoded under.
    ///   - indexed: Whether a query by it must not scan the collection.
    public init<Value>(_ name: String, _ keyPath: any KeyPath<Root, Value> & Sendable, indexed: Bool = false) {
        self.name = name
        self.keyPath = keyPath
        isIndexed = indexed
    }

    /// Its path in the snapshot document.
    var path: String { "state.\(name)" }
}
