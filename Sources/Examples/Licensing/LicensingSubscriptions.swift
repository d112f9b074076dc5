public import DaybookSubscriptions

/// The subscriptions of the domain, for making a store. Each store gets its own.
public var licensingSubscriptions: [Subscription] {
    [.projection(MemberOverview.self), .projection(TitleDownloads.self)]
}
