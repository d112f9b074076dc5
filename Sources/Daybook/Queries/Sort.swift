/// An order of snapshots by one declared field.
///
/// Values are ordered as MongoDB orders them: what has no value before everything else, texts by their UTF-8 bytes.
/// A field that is named twice counts the first time.
public struct Sort<A: Aggregate>: Sendable {
    let keyPath: any AnyKeyPath & Sendable
    let direction: Int32
    let isOfArrays: Bool

    /// The smallest first.
    public static func ascending<Value>(_ field: any KeyPath<A, Value> & Sendable) -> Sort {
        Sort(keyPath: field, direction: 1, isOfArrays: Value.self is any StoredAsArray.Type)
    }

    /// The largest first.
    public static func descending<Value>(_ field: any KeyPath<A, Value> & Sendable) -> Sort {
        Sort(keyPath: field, direction: -1, isOfArrays: Value.self is any StoredAsArray.Type)
    }
}

/// A type that is encoded as an array, by whose smallest or largest element MongoDB sorts.
private protocol StoredAsArray {}

extension Array: StoredAsArray {}

extension Set: StoredAsArray {}

extension Optional: StoredAsArray where Wrapped: StoredAsArray {}
