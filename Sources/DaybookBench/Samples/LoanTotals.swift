internal import Daybook
internal import DaybookSubscriptions

/// What happened to loans in groups of a hundred: those whose keys differ in the last two characters only.
enum LoanTotals: Projection {
    struct Document: Queryable {
        var opened = 0
        var renewed = 0
        var closed = 0
        static let fields: [Field<Document>] = [Field("opened", \.opened, indexed: true)]
    }

    static let name: SubscriptionName = "loan-totals"

    static var sources: [EventSource<LoanTotals>] {
        [
            .events(of: InlineLoan.self, key: { group(of: $0.aggregateID.key) }) { loan, totals in
                switch loan.event {
                case .opened: totals.opened += 1
                case .renewed: totals.renewed += 1
                case .closed: totals.closed += 1
                case nil: break
                }
            }
        ]
    }

    static func group(of key: String) -> String { String(key.dropLast(2)) }
}
