public import Daybook
public import Foundation

/// What `apply` computes dates of that are finer than a millisecond: a seventh of a second after the one before.
public struct Pulse<Kept: Keeping>: Aggregate, Equatable {
    public enum Event: Codable, Sendable {
        case started(at: Date)
        /// With what `decide` found: whether the date in the state is the one that its stored form has.
        case beaten(wasWhole: Bool)
        /// A date comes and goes within one commit.
        case peaked
        case settled
    }

    public enum Command: Sendable { case start(Date), beat, peak }

    public static var lifecycle: Lifecycle { Kept.lifecycle }
    public static var type: AggregateType {
        switch lifecycle {
        case .inline: "inline-pulse"
        case .async: "async-pulse"
        case .live: "live-pulse"
        }
    }

    public var starts = 0
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
        case .started(let date): (starts, next) = (starts + 1, date)
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

    public func decide(_ command: Command, at now: Date) throws(Never) -> [Event] {
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
