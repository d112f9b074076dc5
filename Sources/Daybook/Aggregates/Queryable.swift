/// A state that is stored in documents, which queries filter and sort by the fields that it declares.
///
/// An ``Aggregate`` is one: its snapshots have its state. The document of a view is another.
public protocol Queryable: Codable, Sendable {
    /// The fields that can be queried by key path. None unless declared.
    static var fields: [Field<Self>] { get }

    /// The state before the first event.
    init()
}

extension Queryable {
    /// No field can be queried by name.
    public static var fields: [Field<Self>] { [] }
}
