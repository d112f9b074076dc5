public import Daybook

/// The kinds of aggregates that the domain has: what a store for it is made with and prepared for.
public let licensingAggregates: [any Aggregate.Type] = [License.self, Member.self, Title.self]
