internal import ArgumentParser
internal import DaybookSubscriptions

/// Why an operator has documents made again or events delivered, and who that is. A script that mends what it finds
/// need not say why.
struct OptionalReasonOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Why; recorded with the change.", valueName: "text"))
    var reason: String?

    @Option(
        help: ArgumentHelp("Who does it; recorded with the change. (default: the user's name)", valueName: "name"))
    var actor: String?

    func validate() throws {
        try ReasonOptions.check(reason: reason, actor: actor)
    }

    /// What is recorded; without a reason, an empty one.
    var value: SubscriptionAdministration.Reason {
        SubscriptionAdministration.Reason(by: actor ?? ReasonOptions.user, why: reason ?? "")
    }
}
