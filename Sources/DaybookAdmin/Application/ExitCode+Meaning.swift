public import ArgumentParser

extension ExitCode {
    /// Something was found: drift, a difference.
    public static let findings = ExitCode(1)
    /// It could not be done: no connection, no permission, refused.
    public static let failed = ExitCode(2)
    /// Whoever reads the output has stopped reading: what a process has that `SIGPIPE` ends.
    public static let outputClosed = ExitCode(141)
    /// Ctrl-C, or `SIGTERM`.
    public static let interrupted = ExitCode(130)
}
