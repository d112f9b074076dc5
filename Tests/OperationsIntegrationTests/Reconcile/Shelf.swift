import Daybook
import Foundation

/// An aggregate whose state has what is hard to change in part: arrays in arrays, and keys that no path can name.
struct Shelf: Aggregate, Equatable {
    struct Box: Codable, Sendable, Equatable {
        var name: String
        var sizes: [Int]
        var lid: Lid

        struct Lid: Codable, Sendable, Equatable {
            var color: String
            var weight: Double
        }
    }

    struct Contents: Codable, Sendable, Equatable {
        var name: String
        var counts: [String: Int]
        var boxes: [Box]
        var note: String
    }

    enum Event: Codable, Sendable { case arranged(Contents) }
    enum Command: Sendable { case arrange(Contents) }

    static let type: AggregateType = "shelf"

    var contents: Contents?
    var times = 0

    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .arranged(let contents):
            self.contents = contents
            times += 1
        }
    }

    func decide(_ command: Command, at now: Date) throws(Never) -> [Event] {
        switch command {
        case .arrange(let contents): [.arranged(contents)]
        }
    }
}
