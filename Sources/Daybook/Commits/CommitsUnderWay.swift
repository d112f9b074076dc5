internal import Synchronization

/// Counts the commits of a store from their first load until their snapshots are handed to the writer, so that closing
/// waits for all of that.
final class CommitsUnderWay: Sendable {
    private struct State {
        var count = 0
        var isClosed = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Runs a commit, unless the store was closed.
    ///
    /// - Throws: ``DaybookError/Code/closed``, and what `body` throws.
    func run<R>(isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R) async throws -> R {
        let isLetIn = state.withLock { state in
            guard !state.isClosed else { return false }
            state.count += 1
            return true
        }
        guard isLetIn else { throw DaybookError(.closed, "the store was closed") }
        defer { end() }
        return try await body()
    }

    /// Admits no more commits, and returns when those in progress have ended.
    func drain() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                state.isClosed = true
                if state.count > 0 { state.waiting.append(continuation) }
                return state.count == 0
            }
            if isOver { continuation.resume() }
        }
    }

    private func end() {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.count -= 1
            guard state.count == 0 else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
