public import Daybook
public import DaybookSubscriptions
public import Foundation

/// What each member has borrowed, over all copies; what the articles show.
public enum Borrowing: Projection {
    public struct Document: Queryable, Equatable {
        public var loans = 0
        public var lastDueAt: Date?
        public static let fields: [Field<Document>] = [Field("loans", \.loans, indexed: true)]

        public init() {}

        public init(loans: Int, lastDueAt: Date?) { (self.loans, self.lastDueAt) = (loans, lastDueAt) }
    }

    public static let name: SubscriptionName = "borrowing"
    public static var sources: [EventSource<Borrowing>] {
        [
            .events(of: Loan.self, key: { if case .lent(let member, _) = $0.event { member } else { nil } }) {
                loan, document in
                guard case .lent(_, let dueAt) = loan.event else { return }
                document.loans += 1
                document.lastDueAt = max(dueAt, document.lastDueAt ?? dueAt)
            }
        ]
    }
}
