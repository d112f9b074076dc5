internal import ArgumentParser
internal import DaybookSubscriptions

/// The subscription that a command is about.
struct SubscriptionArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The subscription, as in member-overview.", valueName: "name"),
        transform: { try Arguments.subscription($0) })
    var name: SubscriptionName
}
