public import Daybook
public import Foundation

/// Texts with a snapshot in each commit.
public typealias Notebook = Writing<KeptInline>

/// Texts with a snapshot after each commit.
public typealias Diary = Writing<KeptAsync>

/// An aggregate whose events and state are as large as a test wants them.
public struct Writing<Kept: Keeping>: Aggregate, Equatable {
    public enum Event: Codable, Sendable {
        /// Joins the state.
        case written(text: String)
        /// Leaves the state as it is, but for the count.
        case discarded(text: String)
    }

    public enum Command: Codable, Sendable {
        case write(String)
        case discard([String])
        /// Is refused, with the text in the reason.
        case refuse(String)
    }

    public struct Refused: Error {
        public var text: String
    }

    public static var lifecycle: Lifecycle { Kept.lifecycle }
    public static var type: AggregateType {
        switch lifecycle {
        case .inline: "notebook"
        case .async: "diary"
        case .live: "pad"
        }
    }

    public var text = ""
    public var discarded = 0

    public init() {}

    public mutating func apply(_ event: Event) {
        switch event {
        case .written(let text): self.text += text
        case .discarded: discarded += 1
        }
    }

    public func decide(_ command: Command, at now: Date) throws(Refused) -> [Event] {
        switch command {
        case .write(let text): return [.written(text: text)]
        case .discard(let texts): return texts.map { .discarded(text: $0) }
        case .refuse(let text): throw Refused(text: text)
        }
    }
}
