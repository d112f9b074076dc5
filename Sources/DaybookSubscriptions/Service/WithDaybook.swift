public import Daybook

/// Runs `body` with a store that has subscriptions and is closed afterwards, for scripts and tools. Events are
/// delivered only while `DaybookStore.run()` runs.
public func withDaybook<R: Sendable>(
    _ configuration: DaybookConfiguration, aggregates: [any Aggregate.Type], subscriptions: [Subscription],
    isolation: isolated (any Actor)? = #isolation,
    _ body: (DaybookStore) async throws -> R
) async throws -> R {
    try await DaybookStore(configuration, aggregates: aggregates, subscriptions: subscriptions).closing(after: body)
}
