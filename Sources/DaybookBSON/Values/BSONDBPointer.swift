/// A reference to a document of another collection. Deprecated by the specification; kept so that old data survives.
public struct BSONDBPointer: Sendable {
    /// Database and collection, `"shop.orders"`.
    public let namespace: String
    /// The document that it points to.
    public let id: BSONObjectID

    /// A pointer.
    public init(namespace: String, id: BSONObjectID) {
        self.namespace = namespace
        self.id = id
    }
}

extension BSONDBPointer: Hashable {
    public static func == (left: BSONDBPointer, right: BSONDBPointer) -> Bool {
        left.id == right.id && left.namespace.utf8.elementsEqual(right.namespace.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(utf8: namespace)
        hasher.combine(id)
    }
}
