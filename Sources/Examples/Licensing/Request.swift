public import Daybook
public import Foundation

/// The parts of a request besides its command.
public struct Request: Sendable {
    /// Its Idempotency-Key: requests with the same key take effect once.
    public var key: String?
    /// The version of the aggregate that the caller has seen, if the request is valid only for that version.
    public var expecting: Int64?
    /// Who makes the request, and in what context; recorded with every event.
    public var context: CommandContext
    /// The time of the decision; now if nil.
    public var now: Date?

    /// A request.
    public init(key: String? = nil, expecting: Int64? = nil, context: CommandContext = .none, at now: Date? = nil) {
        self.key = key
        self.expecting = expecting
        self.context = context
        self.now = now
    }
}
