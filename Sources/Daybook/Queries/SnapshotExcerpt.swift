/// A part of the state of one aggregate at one version; see ``Repository/query(_:of:where:sort:limit:waitFor:)``.
public struct SnapshotExcerpt<Value: Sendable>: Sendable {
    /// The aggregate.
    public let id: AggregateID
    /// The last event that `value` includes.
    public let version: Int64
    /// The requested part of the state.
    public let value: Value
}

extension SnapshotExcerpt: Equatable where Value: Equatable {}
