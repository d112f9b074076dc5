public import Daybook
public import Foundation

/// The worked example of the article about DaybookTesting, and what other articles and an application of
/// DaybookAdmin use: one copy of a book, lent and returned.
public struct Loan: Aggregate, Equatable {
    public enum Event: Codable, Sendable {
        case lent(member: String, dueAt: Date)
        case extended(dueAt: Date)
        case returned
    }

    public enum Command: Sendable { case lend(member: String), extend, giveBack }
    public enum Rejection: Error, Equatable { case lentAlready, notLent, tooManyExtensions(Int) }

    public static let type: AggregateType = "loan"

    public var member: String?
    public var dueAt: Date?
    public var extensions = 0

    public init() {}

    public mutating func apply(_ event: Event) {
        switch event {
        case .lent(let member, let dueAt): (self.member, self.dueAt, extensions) = (member, dueAt, 0)
        case .extended(let dueAt): (self.dueAt, extensions) = (dueAt, extensions + 1)
        case .returned: (member, dueAt) = (nil, nil)
        }
    }

    public func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        switch command {
        case .lend(let member):
            if self.member == member { return [] }
            guard self.member == nil else { throw .lentAlready }
            return [.lent(member: member, dueAt: now.addingTimeInterval(28 * 86_400))]
        case .extend:
            guard let dueAt else { throw .notLent }
            guard extensions < 2 else { throw .tooManyExtensions(2) }
            return [.extended(dueAt: max(dueAt, now.addingTimeInterval(14 * 86_400)))]
        case .giveBack:
            return member == nil ? [] : [.returned]
        }
    }
}
