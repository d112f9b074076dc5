internal import DaybookBSON

/// A condition on the declared fields of an aggregate, made with `==`, `<`, `&&` and their like on key paths.
///
/// ```swift
/// licenses.query(where: \.status == .issued && \.renewals < 3)
/// ```
public struct Filter<A: Aggregate>: Sendable {
    indirect enum Node: Sendable {
        case compare(any AnyKeyPath & Sendable, String, any Encodable & Sendable)
        case all([Node])
        case any([Node])
        case not(Node)
    }

    let node: Node

    /// The MongoDB filter.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument`` when a key path is not among the aggregate's `fields`.
    func document() throws -> BSONDocument {
        try Self.document(node)
    }

    private static func document(_ node: Node) throws -> BSONDocument {
        switch node {
        case .compare(let keyPath, let comparison, let operand):
            let field = try A.field(keyPath)
            do {
                return [field.path: [comparison: try BSONEncoder().encodeValue(operand)]]
            } catch {
                throw DaybookError(
                    .invalidArgument, "the value that \(field.name) is compared with cannot be encoded: \(describe(error))",
                    underlying: error)
            }
        case .all(let nodes): return ["$and": .array(try nodes.map { .document(try document($0)) })]
        case .any(let nodes): return ["$or": .array(try nodes.map { .document(try document($0)) })]
        case .not(let node): return ["$nor": [.document(try document(node))]]
        }
    }

    init(_ node: Node) {
        self.node = node
    }

    fileprivate init<Value: Encodable & Sendable>(_ keyPath: any AnyKeyPath & Sendable, _ comparison: String, _ operand: Value) {
        self.init(.compare(keyPath, comparison, operand))
    }
}

extension Aggregate {
    static func field(_ keyPath: AnyKeyPath) throws -> Field<Self> {
        guard let field = fields.first(where: { $0.keyPath == keyPath }) else {
            throw DaybookError(
                .invalidArgument, "\(keyPath) is not among the fields that \(Self.self) declares; add it to its fields")
        }
        return field
    }
}

// MARK: - Operators

/// The field has this value; `== nil` finds those without one.
public func == <A, Value: Encodable & Equatable & Sendable>(field: any KeyPath<A, Value> & Sendable, value: Value) -> Filter<A> {
    Filter(field, "$eq", value)
}

/// The field has another value, or none.
public func != <A, Value: Encodable & Equatable & Sendable>(field: any KeyPath<A, Value> & Sendable, value: Value) -> Filter<A> {
    Filter(field, "$ne", value)
}

/// The field is less than this value.
public func < <A, Value: Encodable & Comparable & Sendable>(field: any KeyPath<A, Value> & Sendable, value: Value) -> Filter<A> {
    Filter(field, "$lt", value)
}

/// The field is this value or less.
public func <= <A, Value: Encodable & Comparable & Sendable>(field: any KeyPath<A, Value> & Sendable, value: Value) -> Filter<A> {
    Filter(field, "$lte", value)
}

/// The field is more than this value.
public func > <A, Value: Encodable & Comparable & Sendable>(field: any KeyPath<A, Value> & Sendable, value: Value) -> Filter<A> {
    Filter(field, "$gt", value)
}

/// The field is this value or more.
public func >= <A, Value: Encodable & Comparable & Sendable>(field: any KeyPath<A, Value> & Sendable, value: Value) -> Filter<A> {
    Filter(field, "$gte", value)
}

/// The field is there, and less than this value.
public func < <A, Value: Encodable & Comparable & Sendable>(field: any KeyPath<A, Value?> & Sendable, value: Value) -> Filter<A> {
    Filter(field, "$lt", value)
}

/// The field is there, and this value or less.
public func <= <A, Value: Encodable & Comparable & Sendable>(field: any KeyPath<A, Value?> & Sendable, value: Value) -> Filter<A>
{
    Filter(field, "$lte", value)
}

/// The field is there, and more than this value.
public func > <A, Value: Encodable & Comparable & Sendable>(field: any KeyPath<A, Value?> & Sendable, value: Value) -> Filter<A> {
    Filter(field, "$gt", value)
}

/// The field is there, and this value or more.
public func >= <A, Value: Encodable & Comparable & Sendable>(field: any KeyPath<A, Value?> & Sendable, value: Value) -> Filter<A>
{
    Filter(field, "$gte", value)
}

/// Both hold.
public func && <A>(left: Filter<A>, right: Filter<A>) -> Filter<A> {
    Filter(.all([left.node, right.node]))
}

/// At least one holds.
public func || <A>(left: Filter<A>, right: Filter<A>) -> Filter<A> {
    Filter(.any([left.node, right.node]))
}

/// It does not hold.
public prefix func ! <A>(filter: Filter<A>) -> Filter<A> {
    Filter(.not(filter.node))
}
