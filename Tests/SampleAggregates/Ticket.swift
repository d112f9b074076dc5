public import Daybook
public import Foundation

/// An aggregate with every kind of field that a query can name.
public struct Ticket: Aggregate, Equatable {
    public enum Status: String, Codable, Sendable, CaseIterable, Comparable {
        case closed, open, waiting

        public static func < (left: Status, right: Status) -> Bool { left.rawValue < right.rawValue }
    }

    public struct Place: Codable, Sendable, Equatable {
        public var row = 0
    }

    public enum Event: Codable, Sendable {
        case changed(Details)
    }

    /// A payload without a label, stored flat.
    public struct Details: Codable, Sendable, Equatable {
        public var status: Status
        public var priority: Int
        public var assignee: String?
        public var dueAt: Date?
        public var row: Int
        public var tags: [String]
        public var weight: Double?

        public init(
            _ status: Status, priority: Int, assignee: String? = nil, dueAt: Date? = nil, row: Int = 0,
            tags: [String] = [],
            weight: Double? = nil
        ) {
            self.status = status
            self.priority = priority
            self.assignee = assignee
            self.dueAt = dueAt
            self.row = row
            self.tags = tags
            self.weight = weight
        }
    }

    public enum Command: Sendable {
        case change(Details)
    }

    public static let type: AggregateType = "ticket"
    public static let fields: [Field<Ticket>] = [
        Field("status", \.status, indexed: true), Field("priority", \.priority), Field("assignee", \.assignee),
        Field("dueAt", \.dueAt), Field("place.row", \.place.row), Field("tags", \.tags), Field("watchers", \.watchers),
        Field("weight", \.weight),
    ]

    public var status = Status.open
    public var priority = 0
    public var assignee: String?
    public var dueAt: Date?
    public var place = Place()
    public var tags: [String] = []
    /// The same as the tags, if there are any.
    public var watchers: Set<String>?
    /// NaN, too.
    public var weight: Double?
    /// Not among the declared fields.
    public var changes = 0

    public init() {}

    public mutating func apply(_ event: Event) {
        switch event {
        case .changed(let details):
            changes += 1
            status = details.status
            priority = details.priority
            assignee = details.assignee
            dueAt = details.dueAt
            place.row = details.row
            tags = details.tags
            watchers = details.tags.isEmpty ? nil : Set(details.tags)
            weight = details.weight
        }
    }

    public func decide(_ command: Command, at now: Date) throws(Never) -> [Event] {
        switch command {
        case .change(let details): return [.changed(details)]
        }
    }
}
