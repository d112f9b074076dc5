import Daybook
import Foundation

/// Texts of any size, with a snapshot that is written behind its commits.
struct Diary: Aggregate, Equatable {
    enum Event: Codable, Sendable {
        case written(text: String)
        case lost
    }

    enum Command: Codable, Sendable {
        case write(String)
        case refuse(String)
    }

    struct Refused: Error {
        var text: String
    }

    static let type: AggregateType = "diary"
    static let lifecycle = Lifecycle.async

    var text = ""

    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .written(let text): self.text = text
        case .lost: text = ""
        }
    }

    func decide(_ command: Command, at now: Date) throws(Refused) -> [Event] {
        switch command {
        case .write(let text): return [.written(text: text)]
        case .refuse(let text): throw Refused(text: text)
        }
    }
}
