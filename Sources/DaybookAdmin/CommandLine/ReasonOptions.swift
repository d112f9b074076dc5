internal import ArgumentParser
internal import DaybookSubscriptions
internal import Foundation

/// Why an operator changes something, and who that is.
struct ReasonOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Why; recorded with the change.", valueName: "text"))
    var reason: String

    @Option(
        help: ArgumentHelp("Who does it; recorded with the change. (default: the user's name)", valueName: "name"))
    var actor: String?

    func validate() throws {
        try Self.check(reason: reason, actor: actor)
    }

    static func check(reason: String?, actor: String?) throws {
        for (name, text) in [("--reason", reason), ("--actor", actor)]
        where !(1...1_024).contains(text?.utf8.count ?? 1) {
            throw ValidationError("\(name) has 1 to 1024 bytes.")
        }
    }

    /// Who runs the command.
    static var user: String {
        let name = NSUserName()
        return name.isEmpty ? "uid \(getuid())" : name
    }

    var value: SubscriptionAdministration.Reason {
        SubscriptionAdministration.Reason(by: actor ?? Self.user, why: reason)
    }
}
