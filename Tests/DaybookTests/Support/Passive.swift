import Daybook
import Foundation

/// An aggregate that takes no commands, and to which nothing happens unless it says so: for what an aggregate declares.
protocol Passive: Aggregate where Command == Never, Rejection == Never {
    associatedtype Event = PassiveEvent
}

enum PassiveEvent: Codable, Sendable { case done }

extension Passive {
    static var type: AggregateType { "passive" }
    mutating func apply(_ event: Event) {}
    func decide(_ command: Never, at now: Date) throws(Never) -> [Event] {}
}
