/// Runs `body` with a store that is closed afterwards, for scripts and tools.
public func withDaybook<R: Sendable>(
    _ configuration: DaybookConfiguration, aggregates: [any Aggregate.Type] = [],
    isolation: isolated (any Actor)? = #isolation,
    _ body: (DaybookStore) async throws -> R
) async throws -> R {
    try await DaybookStore(configuration, aggregates: aggregates).closing(after: body)
}

extension DaybookStore {
    /// Runs `body` with the store, and closes it afterwards.
    package func closing<R: Sendable>(
        isolation: isolated (any Actor)? = #isolation, after body: (DaybookStore) async throws -> R
    ) async throws -> R {
        do {
            let result = try await body(self)
            await close()
            return result
        } catch {
            await close()
            throw error
        }
    }
}
