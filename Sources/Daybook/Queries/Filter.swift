internal import DaybookBSON

/// A condition on the declared fields of an aggregate or of a view's document, built from key paths with `==`, `<`,
/// `&&` and similar operators.
///
/// ```swift
/// licenses.query(where: \.status == .issued && \.renewals < 3)
/// licenses.query(where: .in(\.status, [.issued, .lapsed]) && !.hasPrefix(\.title, "The "))
/// ```
///
/// Values are compared as they are stored. Texts compare by their UTF-8 bytes. Numbers compare by value, whatever their
/// type. Nothing is less or more than a NaN, so `<`, `<=`, `>` and `>=` refuse one, while `== .nan` matches stored
/// NaNs.
///
/// A field without a value, stored as null or not stored, is not less, more or equal to any value. The conditions that
/// match it are `== nil`, ``missing(_:)``, `!=` with a value, ``notIn(_:_:)``, and `!` before a condition that does not
/// match it.
///
/// A query with the filter throws ``DaybookError/Code/invalidArgument`` when a key path is not among the declared
/// ``Queryable/fields``, or a value cannot be stored.
public struct Filter<Root: Queryable>: Sendable {
    indirect enum Node: Sendable {
        case field(any AnyKeyPath & Sendable, Condition)
        case all([Node])
        case any([Node])
        case not(Node)
        case raw(BSONDocument)
    }

    /// A condition on one field.
    enum Condition: Sendable {
        case compare(Comparison, any Encodable & Sendable)
        case among([any Encodable & Sendable], isNegated: Bool)
        /// An array with this element.
        case containing(any Encodable & Sendable)
        case beginning(String)
    }

    enum Comparison: String, Sendable {
        case equal = "$eq"
        case unequal = "$ne"
        case less = "$lt"
        case lessOrEqual = "$lte"
        case more = "$gt"
        case moreOrEqual = "$gte"

        var isOrdering: Bool { self != .equal && self != .unequal }
    }

    let node: Node

    init(_ node: Node) {
        self.node = node
    }

    /// The MongoDB filter.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument``
    func document() throws -> BSONDocument {
        try Self.document(node)
    }

    private static func document(_ node: Node) throws -> BSONDocument {
        switch node {
        case .field(let keyPath, let condition):
            let field = try Root.field(keyPath)
            return [field.path: .document(try document(condition, on: field))]
        // MongoDB refuses `$and` and `$or` with an empty list.
        case .all(let nodes) where nodes.isEmpty: return [:]
        case .any(let nodes) where nodes.isEmpty: return ["_id": ["$in": []]]
        case .all(let nodes): return ["$and": .array(try nodes.map { .document(try document($0)) })]
        case .any(let nodes): return ["$or": .array(try nodes.map { .document(try document($0)) })]
        case .not(let node): return ["$nor": [.document(try document(node))]]
        case .raw(let document): return document
        }
    }

    private static func document(_ condition: Condition, on field: Field<Root>) throws -> BSONDocument {
        switch condition {
        case .compare(let comparison, let operand):
            let value = try encode(operand, for: field)
            guard !(comparison.isOrdering && value.isNaN) else {
                throw DaybookError(
                    .invalidArgument, "\(field.name) is compared with NaN: nothing is less or more than that")
            }
            return [comparison.rawValue: value]
        case .among(let operands, let isNegated):
            return [isNegated ? "$nin" : "$in": .array(try operands.map { try encode($0, for: field) })]
        case .containing(let operand):
            return ["$elemMatch": ["$eq": try encode(operand, for: field)]]
        case .beginning(let prefix):
            // A range instead of a regular expression: it has exact bounds for an index, and no character needs
            // escaping.
            guard let end = prefix.endOfPrefixRange else { return ["$gte": .string(prefix)] }
            return ["$gte": .string(prefix), "$lt": .string(end)]
        }
    }

    private static func encode(_ operand: any Encodable & Sendable, for field: Field<Root>) throws -> BSONValue {
        let value: BSONValue
        do {
            value = try BSONEncoder().encodeValue(operand)
        } catch {
            throw DaybookError(
                .invalidArgument, "the value that \(field.name) is compared with cannot be encoded: \(describe(error))",
                underlying: error)
        }
        // Inside `$in`, a regular expression would be matched as a pattern.
        if case .regex = value {
            throw DaybookError(
                .invalidArgument, "\(field.name) is compared with a regular expression; that takes a raw filter")
        }
        return value
    }
}

extension String {
    /// The first text after all texts that begin with this one, in the order of UTF-8 bytes, which is that of the
    /// scalars. Nil when there is none.
    fileprivate var endOfPrefixRange: String? {
        var scalars = Array(unicodeScalars)
        while let last = scalars.popLast() {
            guard last.value < 0x10FFFF else { continue }
            // Between D7FF and E000 lie the surrogates, which are no scalars.
            scalars.append(Unicode.Scalar(last.value + 1) ?? "\u{E000}")
            return String(String.UnicodeScalarView(scalars))
        }
        return nil
    }
}
