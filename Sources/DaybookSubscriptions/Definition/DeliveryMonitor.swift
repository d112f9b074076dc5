internal import Daybook
internal import Foundation
internal import Metrics
internal import Synchronization

/// How the work of one subscription stands in this process, for its health and its metrics.
final class DeliveryMonitor: Sendable {
    private struct State {
        /// Since when the events at hand are being handled; nil while there are none.
        var busySince: ContinuousClock.Instant?
        /// Since when the work fails and starts again; nil while it does not.
        var failingSince: ContinuousClock.Instant?
        var failure = ""
        var parked = 0
        /// When the postings were last compared with the journal, and which of the audits that operators asked for that
        /// was.
        var auditedAt: ContinuousClock.Instant?
        var audit: Int64?
        /// The newest version of the subscription that was seen.
        var version: Int32 = 0
    }

    private let name: SubscriptionName
    /// How long events may take, or the work may fail, before that is a fault.
    private let patience: Duration
    private let state = Mutex(State())

    init(_ name: SubscriptionName, patience: Duration = .seconds(30)) {
        self.name = name
        self.patience = patience
    }

    func began() {
        state.withLock { $0.busySince = $0.busySince ?? .now }
    }

    func finished() {
        state.withLock {
            $0.busySince = nil
            $0.failingSince = nil
        }
    }

    func failed(_ error: any Error) {
        state.withLock {
            $0.failingSince = $0.failingSince ?? .now
            $0.failure = "\(error)"
            $0.busySince = nil
        }
    }

    /// The work in this process has ended, so nothing of it can be wrong.
    func ended() {
        state.withLock { $0 = State() }
    }

    func audited(_ number: Int64) {
        state.withLock { ($0.auditedAt, $0.audit) = (.now, number) }
    }

    /// The next comparison comes as soon as the feed has caught up.
    func auditIsDue() {
        state.withLock { $0.auditedAt = nil }
    }

    /// Whether the postings are to be compared with the journal: first, each time an operator asks for it, and again
    /// after `interval`.
    func isAuditDue(_ number: Int64, every interval: Duration) -> Bool {
        state.withLock { state in
            guard state.audit == number, let last = state.auditedAt else { return true }
            return ContinuousClock.now - last >= interval
        }
    }

    /// Whether no version as new was seen before.
    func isFirstSight(of version: Int32) -> Bool {
        state.withLock { state in
            defer { state.version = max(state.version, version) }
            return version > state.version
        }
    }

    func parked(_ count: Int) {
        state.withLock { $0.parked = count }
    }

    /// How long the events at hand have been waiting, in seconds.
    var lag: Double {
        state.withLock { $0.busySince.map { (ContinuousClock.now - $0) / .seconds(1) } ?? 0 }
    }

    func faults() -> [StoreHealth.Fault] {
        let state = state.withLock { $0 }
        var faults: [StoreHealth.Fault] = []
        func add(_ message: String) {
            faults.append(.init(part: "subscription", subscription: name.rawValue, message: message))
        }
        if let since = state.failingSince, ContinuousClock.now - since > patience {
            add("it has failed for \((ContinuousClock.now - since).components.seconds) s: \(state.failure)")
        }
        if let since = state.busySince, ContinuousClock.now - since > patience {
            add(
                "its handler has worked on the same events for \((ContinuousClock.now - since).components.seconds) s, "
                    + "and later events wait")
        }
        if state.parked > 0 {
            add(
                "\(state.parked) aggregates are parked, because one of their events cannot be handled: see "
                    + "dead-letters list")
        }
        return faults
    }
}
