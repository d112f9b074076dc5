internal import Daybook
internal import Foundation

/// An aggregate with a state as large as it is told to be.
struct Archive: Aggregate {
    enum Event: Codable, Sendable {
        case filled(bytes: Int)
        case touched(at: Date)
    }
    enum Command: Codable, Sendable {
        case fill(bytes: Int)
        case touch
    }
    typealias Rejection = Never

    static let type: AggregateType = "archive"
    var touches = 0
    var touchedAt: Date?
    var content = ""

    mutating func apply(_ event: Event) {
        switch event {
        case .filled(let bytes): content = String(repeating: "x", count: bytes)
        case .touched(let date): (touches, touchedAt) = (touches + 1, date)
        }
    }

    func decide(_ command: Command, at now: Date) throws(Never) -> [Event] {
        switch command {
        case .fill(let bytes): [.filled(bytes: bytes)]
        case .touch: [.touched(at: now)]
        }
    }
}
