import Daybook
import Foundation

/// The document of a view: a queryable type that is not an aggregate.
struct Balance: Queryable, Equatable {
    static let fields: [Field<Balance>] = [
        Field("owner", \.owner, indexed: true), Field("cents", \.cents), Field("closedAt", \.closedAt),
        Field("tags", \.tags),
    ]

    var owner = ""
    var cents = 0
    var closedAt: Date?
    var tags: [String] = []
    var undeclared = 0
}
