/// Growing pauses with jitter between attempts, so that rivals do not collide again: about 1 ms at first, at most 100
/// ms.
package struct Backoff: Sendable {
    private var limit = Duration.milliseconds(2)

    package init() {}

    /// Waits for the whole pause even when the task is cancelled: the caller must first learn an outcome.
    package mutating func wait() async {
        let pause = limit * Double.random(in: 0.25...1)
        limit = min(limit * 2, .milliseconds(100))
        await Task { try? await Task.sleep(for: pause) }.value
    }
}
