extension Filter {
    fileprivate init<Value: Encodable & Sendable>(
        _ keyPath: any AnyKeyPath & Sendable, _ comparison: Comparison, _ operand: Value
    ) {
        self.init(.field(keyPath, .compare(comparison, operand)))
    }
}

/// The field has this value. `== nil` matches fields without a value.
public func == <Root, Value: Encodable & Equatable & Sendable>(field: any KeyPath<Root, Value> & Sendable, value: Value)
    -> Filter<Root>
{
    Filter(field, .equal, value)
}

/// The field has another value, or none. `!= nil` matches fields with a value.
public func != <Root, Value: Encodable & Equatable & Sendable>(field: any KeyPath<Root, Value> & Sendable, value: Value)
    -> Filter<Root>
{
    Filter(field, .unequal, value)
}

/// The field is less than this value.
public func < <Root, Value: Encodable & Comparable & Sendable>(field: any KeyPath<Root, Value> & Sendable, value: Value)
    -> Filter<Root>
{
    Filter(field, .less, value)
}

/// The field is this value or less.
public func <= <Root, Value: Encodable & Comparable & Sendable>(
    field: any KeyPath<Root, Value> & Sendable, value: Value
)
    -> Filter<Root>
{
    Filter(field, .lessOrEqual, value)
}

/// The field is more than this value.
public func > <Root, Value: Encodable & Comparable & Sendable>(field: any KeyPath<Root, Value> & Sendable, value: Value)
    -> Filter<Root>
{
    Filter(field, .more, value)
}

/// The field is this value or more.
public func >= <Root, Value: Encodable & Comparable & Sendable>(
    field: any KeyPath<Root, Value> & Sendable, value: Value
)
    -> Filter<Root>
{
    Filter(field, .moreOrEqual, value)
}

/// The field has a value, and it is less than this one.
public func < <Root, Value: Encodable & Comparable & Sendable>(
    field: any KeyPath<Root, Value?> & Sendable, value: Value
)
    -> Filter<Root>
{
    Filter(field, .less, value)
}

/// The field has a value, and it is this one or less.
public func <= <Root, Value: Encodable & Comparable & Sendable>(
    field: any KeyPath<Root, Value?> & Sendable, value: Value
)
    -> Filter<Root>
{
    Filter(field, .lessOrEqual, value)
}

/// The field has a value, and it is more than this one.
public func > <Root, Value: Encodable & Comparable & Sendable>(
    field: any KeyPath<Root, Value?> & Sendable, value: Value
)
    -> Filter<Root>
{
    Filter(field, .more, value)
}

/// The field has a value, and it is this one or more.
public func >= <Root, Value: Encodable & Comparable & Sendable>(
    field: any KeyPath<Root, Value?> & Sendable, value: Value
)
    -> Filter<Root>
{
    Filter(field, .moreOrEqual, value)
}

/// Both filters match.
public func && <Root>(left: Filter<Root>, right: Filter<Root>) -> Filter<Root> {
    .all([left, right])
}

/// At least one filter matches.
public func || <Root>(left: Filter<Root>, right: Filter<Root>) -> Filter<Root> {
    .any([left, right])
}

/// The filter does not match. `!(\.dueAt < now)` therefore also matches where there is no `dueAt`.
public prefix func ! <Root>(filter: Filter<Root>) -> Filter<Root> {
    Filter(.not(filter.node))
}
