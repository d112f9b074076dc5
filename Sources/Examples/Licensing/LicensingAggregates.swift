public import Daybook

/// The aggregates of the domain, for making a store and preparing its database.
public let licensingAggregates: [any Aggregate.Type] = [License.self, Member.self, Title.self]
