internal import Synchronization

/// The right to use a connection, granted in order of arrival. Waiting for one does not block a thread.
///
/// There are three kinds, and each has one permit in reserve that the others cannot take. A loop over a cursor may run
/// transactions, and a transaction's caller may run single operations. With one shared supply, a thousand such loops
/// would deadlock. Any kind may use all permits beyond the reserves.
final class Permits: Sendable {
    enum Kind: Int, CaseIterable, Sendable {
        case single, transaction, cursor
    }

    private struct Waiter {
        let ticket: UInt64
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var inUse = [Int](repeating: 0, count: Kind.allCases.count)
        var waiters = [[Waiter]](repeating: [], count: Kind.allCases.count)
        var nextTicket: UInt64 = 0
        /// The tickets of waiting callers. The value is the error that ended the wait before its continuation was
        /// stored.
        var waits: [UInt64: (any Error)?] = [:]
        var isClosed = false

        /// Whether `kind` may have one more permit, if each other kind keeps what it uses or its reserve, whichever is
        /// more.
        func isFree(_ kind: Kind, of total: Int) -> Bool {
            var count = 0
            for other in inUse.indices { count += other == kind.rawValue ? inUse[other] : max(inUse[other], 1) }
            return count < total
        }

        mutating func remove(ticket: UInt64, of kind: Kind) -> Waiter? {
            guard let index = waiters[kind.rawValue].firstIndex(where: { $0.ticket == ticket }) else { return nil }
            return waiters[kind.rawValue].remove(at: index)
        }
    }

    let total: Int
    private let state = Mutex(State())

    /// - Parameter total: The number of permits; at least one for each kind.
    init(total: Int) {
        self.total = max(total, Kind.allCases.count)
    }

    /// Waits for a permit of `kind`, at most `timeout`.
    ///
    /// - Throws: ``MongoError`` `poolExhausted` after the timeout, `closed` when the client was closed;
    ///   `CancellationError`.
    func acquire(_ kind: Kind, timeout: Duration) async throws {
        try Task.checkCancellation()
        enum Start { case granted, closed, wait(UInt64) }
        let start: Start = state.withLock { state in
            if state.isClosed { return .closed }
            if state.waiters[kind.rawValue].isEmpty, state.isFree(kind, of: total) {
                state.inUse[kind.rawValue] += 1
                return .granted
            }
            state.nextTicket += 1
            state.waits[state.nextTicket] = .some(nil)
            return .wait(state.nextTicket)
        }
        switch start {
        case .granted: return
        case .closed: throw MongoError.closed
        case .wait(let ticket): try await wait(kind, ticket: ticket, timeout: timeout)
        }
    }

    /// Acquires a permit of `kind` if one is free and no caller waits for it. Returns false otherwise, and when the
    /// client was closed.
    func acquireAtOnce(_ kind: Kind) -> Bool {
        state.withLock { state in
            guard !state.isClosed, state.waiters[kind.rawValue].isEmpty, state.isFree(kind, of: total) else {
                return false
            }
            state.inUse[kind.rawValue] += 1
            return true
        }
    }

    private func wait(_ kind: Kind, ticket: UInt64, timeout: Duration) async throws {
        let deadline = Task {
            try await Task.sleep(for: timeout)
            end(ticket, of: kind, MongoError.poolExhausted(kind: "\(kind)", connections: total, timeout: timeout))
        }
        defer {
            deadline.cancel()
            _ = state.withLock { $0.waits.removeValue(forKey: ticket) }
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enum Outcome { case waiting, granted, ended(any Error) }
                let outcome: Outcome = state.withLock { state in
                    if state.isClosed { return .ended(MongoError.closed) }
                    if let ended = state.waits[ticket], let error = ended { return .ended(error) }
                    // A permit may have been released since the first check.
                    if state.waiters[kind.rawValue].isEmpty, state.isFree(kind, of: total) {
                        state.inUse[kind.rawValue] += 1
                        return .granted
                    }
                    state.waiters[kind.rawValue].append(Waiter(ticket: ticket, continuation: continuation))
                    return .waiting
                }
                switch outcome {
                case .waiting: break
                case .granted: continuation.resume()
                case .ended(let error): continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            end(ticket, of: kind, CancellationError())
        }
    }

    /// Ends a wait with an error, even if its continuation is not stored yet.
    private func end(_ ticket: UInt64, of kind: Kind, _ error: any Error) {
        let waiter = state.withLock { state -> Waiter? in
            if let waiter = state.remove(ticket: ticket, of: kind) { return waiter }
            // Only if the caller is still waiting: the deadline may fire just after the permit was granted.
            if state.waits[ticket] != nil { state.waits[ticket] = .some(error) }
            return nil
        }
        waiter?.continuation.resume(throwing: error)
    }

    /// Releases a permit, and grants it to the longest-waiting caller that may have it.
    func release(_ kind: Kind) {
        let granted = state.withLock { state -> [Waiter] in
            state.inUse[kind.rawValue] -= 1
            var granted: [Waiter] = []
            while let next = longestWaiting(in: state) {
                state.inUse[next.rawValue] += 1
                granted.append(state.waiters[next.rawValue].removeFirst())
            }
            return granted
        }
        for waiter in granted { waiter.continuation.resume() }
    }

    private func longestWaiting(in state: State) -> Kind? {
        Kind.allCases
            .filter { state.isFree($0, of: total) }
            .compactMap { kind in state.waiters[kind.rawValue].first.map { (kind: kind, ticket: $0.ticket) } }
            .min { $0.ticket < $1.ticket }?
            .kind
    }

    /// How many permits are in use.
    var inUse: Int {
        state.withLock { $0.inUse.reduce(0, +) }
    }

    /// Whether a caller waits for a permit.
    var isAwaited: Bool {
        state.withLock { state in state.waiters.contains { !$0.isEmpty } }
    }

    var isClosed: Bool {
        state.withLock { $0.isClosed }
    }

    /// Refuses all waiting and all future callers.
    func close() {
        let waiters = state.withLock { state -> [Waiter] in
            state.isClosed = true
            defer { state.waiters = state.waiters.map { _ in [] } }
            return state.waiters.flatMap { $0 }
        }
        for waiter in waiters { waiter.continuation.resume(throwing: MongoError.closed) }
    }
}
