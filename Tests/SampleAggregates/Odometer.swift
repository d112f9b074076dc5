public import Daybook
public import Foundation

/// A live aggregate whose state no format has a place for; nothing of it is ever stored.
public struct Odometer: Aggregate {
    public enum Event: Codable, Sendable { case driven }
    public enum Command: Sendable { case drive }
    public typealias Rejection = Never

    public static let type: AggregateType = "odometer"
    public static let lifecycle = Lifecycle.live

    public var distance = 0

    public init() {}
    public init(from decoder: any Decoder) throws {}

    public func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(self, .init(codingPath: [], debugDescription: "an odometer is never encoded"))
    }

    public mutating func apply(_ event: Event) { distance += 1 }
    public func decide(_ command: Command, at now: Date) throws(Never) -> [Event] { [.driven] }
}
