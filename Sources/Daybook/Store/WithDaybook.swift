/// Runs `body` with a store that is closed afterwards, for scripts and tools.
public func withDaybook<R: Sendable>(
    _ configuration: DaybookConfiguration, aggregates: [any Aggregate.Type] = [],
    isolation: isolated (any Actor)? = #isolation,
    _ body: (DaybookStore) async throws -> R
) async throws -> R {
    let store = try DaybookStore(configuration, aggregates: aggregates)
    do {
        let result = try await body(store)
        await store.close()
        return result
    } catch {
        await store.close()
        throw error
    }
}
