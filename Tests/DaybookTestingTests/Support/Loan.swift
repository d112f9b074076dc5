import Daybook
import Foundation

/// The worked example of the documentation: one copy of a book, lent and returned.
struct Loan: Aggregate, Equatable {
    enum Event: Codable, Sendable {
        case lent(member: String, dueAt: Date)
        case extended(dueAt: Date)
        case returned
    }

    enum Command: Sendable { case lend(member: String), extend, giveBack }
    enum Rejection: Error, Equatable { case lentAlready, notLent, tooManyExtensions(Int) }

    static let type: AggregateType = "loan"

    var member: String?
    var dueAt: Date?
    var extensions = 0

    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .lent(let member, let dueAt): (self.member, self.dueAt, extensions) = (member, dueAt, 0)
        case .extended(let dueAt): (self.dueAt, extensions) = (dueAt, extensions + 1)
        case .returned: (member, dueAt) = (nil, nil)
        }
    }

    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
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
