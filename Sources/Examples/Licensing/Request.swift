public import Daybook
public import Foundation

/// What a request says besides its command.
public struct Request: Sendable {
    /// Its Idempotency-Key: repeated with the same one, it takes effect once.
    public var key: String?
    /// The version that the caller has seen of the aggregate the request is about, if it is only meant for that.
    public var expecting: Int64?
    /// On whose behalf, and in what connection; recorded with every event.
    public var context: CommandContext
    /// The time that it is decided at; now unless set.
    public var now: Date?

    /// A request.
    public init(key: String? = nil, expecting: Int64? = nil, context: CommandContext = .none, at now: Date? = nil) {
        self.key = key
        self.expecting = expecting
        self.context = context
        self.now = now
    }
}
