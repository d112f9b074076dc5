public import ArgumentParser
internal import Daybook

/// Why a command ends without having done what it was asked: one or few lines for people, and an exit code.
public struct CommandFailure: Error, Sendable {
    /// What went wrong, and what to do; it begins in lower case.
    public var message: String
    /// What is printed before the message, and a colon.
    public var label: String
    /// What the process ends with.
    public var exitCode: ExitCode

    /// A failure that ends the process with 2, and is printed behind `error:`, unless said otherwise.
    public init(_ message: String, label: String = "error", exitCode: ExitCode = .failed) {
        self.message = message
        self.label = label
        self.exitCode = exitCode
    }
}

extension CommandFailure {
    /// What is said of an error that a command ended with; nil when nothing is, because it was said already or is no failure.
    init?<Application: AdminApplication>(_ error: any Error, of application: Application.Type) {
        if let failure = Application.failure(for: error) {
            self = failure
            return
        }
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as DaybookError: self.init(error, of: application)
        case is CancellationError: return nil
        default: self.init("\(error)")
        }
    }

    private init<Application: AdminApplication>(_ error: DaybookError, of application: Application.Type) {
        self.init("\(error)")
        if error.lacksPermission, let advice = Self.permission(error.operation, application) { message += "\n" + advice }
    }

    /// Who may do it. Preparing a database says so by itself.
    private static func permission<Application: AdminApplication>(_ operation: String?, _ application: Application.Type)
        -> String?
    {
        switch operation {
        case "initialize", "createRoles": nil
        default:
            "Of Daybook's roles, daybookReader may look, daybookApplication may commit and daybookOperator may repair; "
                + "\(Application.aggregates.isEmpty ? "an application's" : Application.name) init --roles makes them, and "
                + "grantRolesToUser gives them to a user."
        }
    }
}
