public import Daybook
public import Foundation

/// What `apply` computes dates of that are finer than a millisecond: a seventh of a second after the one before.
public protocol Pulsing: Aggregate, Equatable where Event == Pulse.Event, Command == Pulse.Command, Rejection == Never {
    var pulse: Pulse { get set }
}

/// The state of all kinds of pulses.
public struct Pulse: Codable, Sendable, Equatable {
    public enum Event: Codable, Sendable {
        case started(at: Date)
        /// With what `decide` found: whether the date in the state is the one that its stored form has.
        case beaten(wasWhole: Bool)
        /// A date comes and goes within one commit.
        case peaked
        case settled
    }

    public enum Command: Sendable { case start(Date), beat, peak }

    public var next: Date?
    /// Several in one millisecond are one.
    public var seen: Set<Date> = []
    public var beats: [Date: Int] = [:]
    public var wasAlwaysWhole = true
    public var peak: Date?
    /// What was left of a millisecond when it came.
    public var remainders: [Double] = []

    public init() {}

    public mutating func apply(_ event: Event) {
        switch event {
        case .started(let date): next = date
        case .beaten(let wasWhole):
            guard let last = next else { return }
            next = last + 1.0 / 7
            seen.formUnion([last + 0.000_1, last + 0.000_2])
            beats[last + 0.000_3, default: 0] += 1
            wasAlwaysWhole = wasAlwaysWhole && wasWhole
        case .peaked: peak = next.map { $0 + 1.0 / 3 }
        case .settled:
            if let peak { remainders.append(Self.remainder(of: peak)) }
            peak = nil
        }
    }

    public func decide(_ command: Command) -> [Event] {
        switch command {
        case .start(let date): [.started(at: date)]
        case .beat: [.beaten(wasWhole: next.map { Self.remainder(of: $0) == 0 } ?? false)]
        case .peak: [.peaked, .settled]
        }
    }

    /// 0 where a date is, to the bit, the one that its milliseconds give.
    private static func remainder(of date: Date) -> Double {
        let milliseconds = (date.timeIntervalSince1970 * 1_000).rounded()
        return date.timeIntervalSinceReferenceDate
            - Date(timeIntervalSince1970: milliseconds / 1_000).timeIntervalSinceReferenceDate
    }
}

extension Pulsing {
    public mutating func apply(_ event: Pulse.Event) { pulse.apply(event) }
    public func decide(_ command: Pulse.Command, at now: Date) throws(Never) -> [Pulse.Event] { pulse.decide(command) }
}

/// Its snapshot is written with each commit.
public struct InlinePulse: Pulsing {
    public static let type: AggregateType = "inline-pulse"
    public var pulse = Pulse()
    public init() {}
}

/// Its snapshot is written behind its commits.
public struct AsyncPulse: Pulsing {
    public static let type: AggregateType = "async-pulse"
    public static let lifecycle = Lifecycle.async
    public var pulse = Pulse()
    public init() {}
}

/// No snapshot of it is kept.
public struct LivePulse: Pulsing {
    public static let type: AggregateType = "live-pulse"
    public static let lifecycle = Lifecycle.live
    public var pulse = Pulse()
    public init() {}
}
