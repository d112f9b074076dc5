internal import Foundation

/// Waits until `condition` holds; that it does within `limit` is for the caller to check afterwards.
///
/// It looks again and again, because what it waits for has no event to wait on: another process's or thread's state.
///
/// - Parameter pause: How long it waits between two looks: long where a look costs the server more than what is waited
///   for.
@discardableResult
package func eventually(
    _ what: String, within limit: Duration = .seconds(90), every pause: Duration = .milliseconds(5),
    _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try? await Task.sleep(for: pause)
    }
    return try await condition()
}
