public import DaybookBSON

extension Filter {
    /// The field has one of these values; nothing has one of none. Among the values of an optional field, nil stands for no value.
    public static func `in`<Value: Encodable & Equatable & Sendable>(
        _ field: any KeyPath<A, Value> & Sendable, _ values: [Value]
    ) -> Filter {
        Filter(.field(field, .among(values, isNegated: false)))
    }

    /// The field has none of these values; everything has none of none. What has no value is found, unless nil is among the values.
    public static func notIn<Value: Encodable & Equatable & Sendable>(
        _ field: any KeyPath<A, Value> & Sendable, _ values: [Value]
    ) -> Filter {
        Filter(.field(field, .among(values, isNegated: true)))
    }

    /// The field has a value: it is stored, and is not null.
    public static func exists<Value: Sendable>(_ field: any KeyPath<A, Value?> & Sendable) -> Filter {
        Filter(.field(field, .compare(.unequal, BSONValue.null)))
    }

    /// The field has no value: it is not stored, or is null.
    public static func missing<Value: Sendable>(_ field: any KeyPath<A, Value?> & Sendable) -> Filter {
        Filter(.field(field, .compare(.equal, BSONValue.null)))
    }

    /// The field is an array, a set, or another collection stored as an array, and this is one of its elements.
    public static func contains<Values: Sequence & Encodable>(
        _ field: any KeyPath<A, Values> & Sendable, _ element: Values.Element
    ) -> Filter where Values.Element: Encodable & Equatable & Sendable {
        Filter(.field(field, .containing(element)))
    }

    /// The field has a value, stored as an array, and this is one of its elements.
    public static func contains<Values: Sequence & Encodable>(
        _ field: any KeyPath<A, Values?> & Sendable, _ element: Values.Element
    ) -> Filter where Values.Element: Encodable & Equatable & Sendable {
        Filter(.field(field, .containing(element)))
    }

    /// The field begins with this text, compared by UTF-8 bytes. An index on the field serves it.
    public static func hasPrefix(_ field: any KeyPath<A, String> & Sendable, _ prefix: String) -> Filter {
        Filter(.field(field, .beginning(prefix)))
    }

    /// The field has a value, and it begins with this text, compared by UTF-8 bytes. An index on the field serves it.
    public static func hasPrefix(_ field: any KeyPath<A, String?> & Sendable, _ prefix: String) -> Filter {
        Filter(.field(field, .beginning(prefix)))
    }

    /// A MongoDB filter on the stored document, to be combined with typed conditions; to write one, import `DaybookBSON` too.
    ///
    /// ```swift
    /// .raw(["version": ["$gt": 1]]) && \.status == .issued
    /// ```
    ///
    /// It goes to the server as it is: never make one from what a stranger wrote.
    public static func raw(_ document: BSONDocument) -> Filter {
        Filter(.raw(document))
    }

    /// All of these hold; all of none do.
    public static func all(_ filters: [Filter]) -> Filter {
        // Flat, because MongoDB limits how deep a filter is, and not how long.
        Filter(.all(filters.flatMap { if case .all(let nodes) = $0.node { nodes } else { [$0.node] } }))
    }

    /// At least one of these holds; none of none does.
    public static func any(_ filters: [Filter]) -> Filter {
        Filter(.any(filters.flatMap { if case .any(let nodes) = $0.node { nodes } else { [$0.node] } }))
    }
}
