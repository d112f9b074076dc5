internal import Daybook
internal import Foundation

/// The aggregate that commits are measured on: a state of a dozen fields, and events of six.
///
/// There is one for each lifecycle, with nothing else different.
protocol Loan: Aggregate where Event == LoanEvent, Command == LoanCommand, Rejection == Never {
    var loan: LoanState { get set }
    var group: Int { get set }
}

enum LoanCommand: Codable, Sendable {
    /// So many events.
    case record(events: Int)
    /// For queries: opens it in a group.
    case open(group: Int)
}

extension Loan {
    mutating func apply(_ event: LoanEvent) {
        switch event {
        case .opened(let member, let device, let title, let studio, let expiresAt, let policyVersion):
            (loan.member, loan.device, loan.title, loan.studio) = (member, device, title, studio)
            (loan.status, loan.expiresAt, loan.policyVersion) = (.playing, expiresAt, policyVersion)
            loan.plays += 1
            group = policyVersion
        case .renewed(let expiresAt):
            loan.expiresAt = expiresAt
            loan.renewals += 1
        case .closed(let reason):
            (loan.status, loan.reason) = (.closed, reason)
        }
    }

    func decide(_ command: LoanCommand, at now: Date) throws(Never) -> [LoanEvent] {
        switch command {
        case .record(let events): [LoanEvent](repeating: .sample(group: group), count: events)
        case .open(let group): [.sample(group: group)]
        }
    }
}

extension LoanEvent {
    static func sample(group: Int) -> LoanEvent {
        .opened(
            member: "member-000042", device: "device-7f3a", title: "The Long Way Round", studio: "studio-12",
            expiresAt: CodecSamples.date, policyVersion: group)
    }
}

struct InlineLoan: Loan {
    static let type: AggregateType = "inline-loan"
    var loan = LoanState()
    var group = 0
}

struct AsyncLoan: Loan {
    static let type: AggregateType = "async-loan"
    static let lifecycle = Lifecycle.async
    static let fields: [Field<AsyncLoan>] = [Field("group", \.group, indexed: true)]
    var loan = LoanState()
    var group = 0
}

struct LiveLoan: Loan {
    static let type: AggregateType = "live-loan"
    static let lifecycle = Lifecycle.live
    var loan = LoanState()
    var group = 0
}
