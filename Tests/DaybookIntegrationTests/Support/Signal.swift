/// Something that one task waits for and another one lets happen.
struct Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    }

    func send() {
        continuation.finish()
    }

    /// Returns at once when it was sent already, and when the task is cancelled. For one task.
    func wait() async {
        for await _ in stream {}
    }
}
