public import DaybookBSON

extension Filter {
    /// The field has one of these values; an empty list matches nothing. For an optional field, nil stands for no
    /// value.
    public static func `in`<Value: Encodable & Equatable & Sendable>(
        _ field: any KeyPath<Root, Value> & Sendable, _ values: [Value]
    ) -> Filter {
        Filter(.field(field, .among(values, isNegated: false)))
    }

    /// The field has none of these values; an empty list matches everything. A field without a value matches, unless
    /// nil is among the values.
    public static func notIn<Value: Encodable & Equatable & Sendable>(
        _ field: any KeyPath<Root, Value> & Sendable, _ values: [Value]
    ) -> Filter {
        Filter(.field(field, .among(values, isNegated: true)))
    }

    /// The field has a value: it is stored, and is not null.
    public static func exists<Value: Sendable>(_ field: any KeyPath<Root, Value?> & Sendable) -> Filter {
        Filter(.field(field, .compare(.unequal, BSONValue.null)))
    }

    /// The field has no value: it is not stored, or is null.
    public static func missing<Value: Sendable>(_ field: any KeyPath<Root, Value?> & Sendable) -> Filter {
        Filter(.field(field, .compare(.equal, BSONValue.null)))
    }

    /// The field is an array, a set, or another collection stored as an array, and `element` is one of its elements.
    public static func contains<Values: Sequence & Encodable>(
        _ field: any KeyPath<Root, Values> & Sendable, _ element: Values.Element
    ) -> Filter where Values.Element: Encodable & Equatable & Sendable {
        Filter(.field(field, .containing(element)))
    }

    /// The field has a value that is stored as an array, and `element` is one of its elements.
    public static func contains<Values: Sequence & Encodable>(
        _ field: any KeyPath<Root, Values?> & Sendable, _ element: Values.Element
    ) -> Filter where Values.Element: Encodable & Equatable & Sendable {
        Filter(.field(field, .containing(element)))
    }

    /// The field begins with `prefix`, compared by UTF-8 bytes. An index on the field can be used.
    public static func hasPrefix(_ field: any KeyPath<Root, String> & Sendable, _ prefix: String) -> Filter {
        Filter(.field(field, .beginning(prefix)))
    }

    /// The field has a value, and it begins with `prefix`, compared by UTF-8 bytes. An index on the field can be used.
    public static func hasPrefix(_ field: any KeyPath<Root, String?> & Sendable, _ prefix: String) -> Filter {
        Filter(.field(field, .beginning(prefix)))
    }

    /// A MongoDB filter on the stored document, which can be combined with typed conditions. To write one, import
    /// `DaybookBSON` too.
    ///
    /// ```swift
    /// .raw(["version": ["$gt": 1]]) && \.status == .issued
    /// ```
    ///
    /// It is sent to the server as it is: never build one from untrusted input.
    public static func raw(_ document: BSONDocument) -> Filter {
        Filter(.raw(document))
    }

    /// All of these filters match; an empty list matches everything.
    public static func all(_ filters: [Filter]) -> Filter {
        // Flatten the list, because MongoDB limits the depth of a filter, but not its length.
        Filter(.all(filters.flatMap { if case .all(let nodes) = $0.node { nodes } else { [$0.node] } }))
    }

    /// At least one of these filters matches; an empty list matches nothing.
    public static func any(_ filters: [Filter]) -> Filter {
        Filter(.any(filters.flatMap { if case .any(let nodes) = $0.node { nodes } else { [$0.node] } }))
    }
}
