public import ArgumentParser
internal import Daybook

/// Why a command failed: one or a few lines for people, and an exit code.
public struct CommandFailure: Error, Sendable {
    /// What went wrong, and what to do. It begins in lower case.
    public var message: String
    /// The word before the message and a colon.
    public var label: String
    /// The exit code of the process.
    public var exitCode: ExitCode

    /// A failure with the exit code 2 and the label `error:`, unless others are passed.
    public init(_ message: String, label: String = "error", exitCode: ExitCode = .failed) {
        self.message = message
        self.label = label
        self.exitCode = exitCode
    }
}

extension CommandFailure {
    /// The failure for an error that a command ended with; nil when nothing is to be printed, because it was printed
    /// already or is no failure.
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
        if error.lacksPermission, let advice = Self.permission(error.operation, application) {
            message += "\n" + advice
        }
    }

    /// A hint which role allows the operation. The error of preparing a database already has one.
    private static func permission<Application: AdminApplication>(_ operation: String?, _ application: Application.Type)
        -> String?
    {
        switch operation {
        case "initialize", "createRoles": nil
        default:
            "Of Daybook's roles, daybookReader may look, daybookApplication may commit and daybookOperator may repair; "
                + "\(Application.aggregates.isEmpty ? "an application's" : Application.name) init --roles makes them, "
                + "and grantRolesToUser gives them to a user."
        }
    }
}
