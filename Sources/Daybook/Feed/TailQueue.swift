internal import DaybookMongo
internal import Synchronization

/// What the tail has shown to one reader, and the reader has not taken yet.
///
/// It holds places of events, not what they contain, and at most ``limit`` of them: a reader that falls further behind
/// is left alone, and reads a stream of its own until it has caught up.
final class TailQueue: Sendable {
    static let limit = 10_000

    /// What ends the queue, after its elements.
    enum End: Sendable {
        /// The reader is too far behind.
        case overrun
        case failed(any Error)
    }

    private struct State {
        var elements: [JournalStream.Element] = []
        /// A failure that will be over soon, which is thrown once.
        var interruption: (any Error)?
        var end: End?
        var isAbandoned = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Adds an element, and returns whether the reader still takes them.
    func push(_ element: JournalStream.Element) -> Bool {
        let (waiting, isOpen) = state.withLock { state in
            guard !state.isAbandoned, state.end == nil else { return (nil as CheckedContinuation<Void, Never>?, false) }
            if case .idle = element, case .idle? = state.elements.last { state.elements.removeLast() }
            if state.elements.count < Self.limit {
                state.elements.append(element)
            } else {
                state.elements = []
                state.end = .overrun
            }
            defer { state.waiting = nil }
            return (state.waiting, state.end == nil)
        }
        waiting?.resume()
        return isOpen
    }

    /// Reports a failure of the tail's stream.
    ///
    /// - Parameter isFinal: Whether nothing comes after it.
    func fail(_ error: any Error, isFinal: Bool) {
        let waiting = state.withLock { state in
            if isFinal { state.end = state.end ?? .failed(error) } else { state.interruption = error }
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Whether nothing comes any more.
    var hasEnded: Bool { state.withLock { $0.end != nil } }

    /// The reader is gone.
    func abandon() {
        state.withLock {
            $0.isAbandoned = true
            $0.elements = []
        }
    }

    /// Everything that has come, at least one element; nil once the queue has ended by ``End/overrun``.
    ///
    /// - Throws: The failure of the tail's stream; `CancellationError`
    func take() async throws -> [JournalStream.Element]? {
        while true {
            try Task.checkCancellation()
            let taken: Result<[JournalStream.Element]?, any Error>? = state.withLock { state in
                if !state.elements.isEmpty {
                    defer { state.elements = [] }
                    return .success(state.elements)
                }
                if let error = state.interruption {
                    state.interruption = nil
                    return .failure(error)
                }
                switch state.end {
                case nil: return nil
                case .overrun: return .success(nil)
                case .failed(let error): return .failure(error)
                }
            }
            if let taken { return try taken.get() }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        guard state.elements.isEmpty, state.interruption == nil, state.end == nil else { return true }
                        state.waiting = continuation
                        return false
                    }
                    if isReady || Task.isCancelled { wake(continuation, isReady) }
                }
            } onCancel: {
                let waiting = state.withLock { state in
                    defer { state.waiting = nil }
                    return state.waiting
                }
                waiting?.resume()
            }
        }
    }

    private func wake(_ continuation: CheckedContinuation<Void, Never>, _ isReady: Bool) {
        if isReady { return continuation.resume() }
        // The task was cancelled before the continuation was stored, so the handler had nothing to resume.
        let waiting = state.withLock { state in
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }
}
