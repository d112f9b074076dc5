/// An order of snapshots, or of a view's documents, by one declared field.
///
/// Values are ordered as MongoDB orders them: fields without a value come before everything else, and texts are ordered
/// by their UTF-8 bytes. If a field is named twice, the first counts.
public struct Sort<Root: Queryable>: Sendable {
    let keyPath: any AnyKeyPath & Sendable
    let direction: Int32
    let isOfArrays: Bool

    /// The smallest first.
    public static func ascending<Value>(_ field: any KeyPath<Root, Value> & Sendable) -> Sort {
        Sort(keyPath: field, direction: 1, isOfArrays: Value.self is any StoredAsArray.Type)
    }

    /// The largest first.
    public static func descending<Value>(_ field: any KeyPath<Root, Value> & Sendable) -> Sort {
        Sort(keyPath: field, direction: -1, isOfArrays: Value.self is any StoredAsArray.Type)
    }
}

/// A type that is encoded as an array. MongoDB sorts an array by its smallest or largest element.
private protocol StoredAsArray {}

extension Array: StoredAsArray {}

extension Set: StoredAsArray {}

extension Optional: StoredAsArray where Wrapped: StoredAsArray {}
