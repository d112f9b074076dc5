internal import ArgumentParser
internal import DaybookSubscriptions

/// The subscriptions or projections that a command is limited to.
struct SubscriptionNames: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Only those of these names. (default: all)", valueName: "name"),
        transform: { try Arguments.subscription($0) })
    var names: [SubscriptionName] = []
}
