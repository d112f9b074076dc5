internal import Synchronization

/// At most so many at a time, in order of arrival.
package final class Turns: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    package init(_ limit: Int) {
        state = Mutex(State(free: limit))
    }

    package func take() async {
        await withCheckedContinuation { continuation in
            let isGranted = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isGranted { continuation.resume() }
        }
    }

    package func pass() {
        state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }?.resume()
    }
}
