public import Daybook
public import Foundation

/// An aggregate whose events and state are as large as a test wants them.
public struct Notebook: Aggregate, Equatable {
    public enum Event: Codable, Sendable {
        /// Joins the state.
        case written(text: String)
        /// Leaves the state as it is, but for the count.
        case discarded(text: String)
    }

    public enum Command: Sendable {
        case write(String)
        case discard([String])
    }

    public static let type: AggregateType = "notebook"

    public var text = ""
    public var discarded = 0

    public init() {}

    public mutating func apply(_ event: Event) {
        switch event {
        case .written(let text): self.text += text
        case .discarded: discarded += 1
        }
    }

    public func decide(_ command: Command, at now: Date) throws(Never) -> [Event] {
        switch command {
        case .write(let text): return [.written(text: text)]
        case .discard(let texts): return texts.map { .discarded(text: $0) }
        }
    }
}
