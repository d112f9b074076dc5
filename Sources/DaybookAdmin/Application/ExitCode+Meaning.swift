public import ArgumentParser

extension ExitCode {
    /// The command found drift or a difference.
    public static let findings = ExitCode(1)
    /// The command failed: no connection, no permission, refused.
    public static let failed = ExitCode(2)
    /// The reader of the output has closed it. The exit code of a process that `SIGPIPE` ends.
    public static let outputClosed = ExitCode(141)
    /// Ctrl-C, or `SIGTERM`.
    public static let interrupted = ExitCode(130)
}
