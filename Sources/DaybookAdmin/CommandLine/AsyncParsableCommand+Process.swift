public import ArgumentParser
internal import Foundation
internal import Logging
internal import UnixSignals

extension AsyncParsableCommand {
    /// Parses the process's arguments, runs the command, and ends the process: the body of a root command's `main()`.
    ///
    /// `SIGINT` and `SIGTERM` cancel the command's task, so that it ends cleanly, with the exit code 130; a second
    /// signal ends the process at once. An error is printed to stderr as one or a few lines. Logs go to stderr;
    /// `LoggingSystem` logs warnings and above.
    ///
    /// Exit codes: those of ``CommandFailure``, 64 for wrong usage, 141 when the reader of the output has closed it.
    public static func runProcess<Application: AdminApplication>(of application: Application.Type) async -> Never {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .warning
            return handler
        }
        // Make a write to a closed pipe an ordinary error: `head` closing the pipe must not kill the process in the
        // middle of a commit.
        signal(SIGPIPE, SIG_IGN)
        do {
            let command = try await asyncParseAsRoot()
            try await run(command)
        } catch {
            fail(application, error)
        }
        end(.success)
    }

    /// Ends the process now, without the exit handlers of libraries: they free what the driver's threads may still use,
    /// and nothing that would outlive the process.
    private static func end(_ code: ExitCode) -> Never {
        fflush(nil)
        _exit(code.rawValue)
    }

    private static func run(_ command: any ParsableCommand) async throws {
        guard let asynchronous = command as? any AsyncParsableCommand else {
            var command = command
            return try command.run()
        }
        // The value is passed to the one task that runs it, and not used here any more.
        nonisolated(unsafe) var running = asynchronous
        guard !(asynchronous is any SignalHandlingCommand) else { return try await running.run() }
        try await Interruption.heeding { try await running.run() }
    }

    private static func fail<Application: AdminApplication>(_ application: Application.Type, _ error: any Error)
        -> Never
    {
        switch error {
        case is ExitCode, is ValidationError, is CleanExit: end(withParserError: error)
        case is StandardOutput.Closed: end(.outputClosed)
        case is CancellationError: end(.interrupted)
        default: break
        }
        // The parser's errors have types that are not public.
        guard exitCode(for: error) == .failure, let failure = CommandFailure(error, of: application) else {
            end(withParserError: error)
        }
        StandardError.line("\(failure.label): \(failure.message)")
        end(failure.exitCode)
    }

    /// Prints the parser's message, as its `exit(withError:)` does.
    private static func end(withParserError error: any Error) -> Never {
        let code = exitCode(for: error)
        let message = fullMessage(for: error)
        if !message.isEmpty {
            if code.isSuccess { print(message) } else { StandardError.line(message) }
        }
        end(code)
    }
}

/// The signals that ask a command to end.
private enum Interruption {
    /// Runs `body` in a task that the first signal cancels; a second one ends the process.
    static func heeding(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let work = Task(operation: body)
        let watch = Task {
            var count = 0
            for await _ in signals {
                count += 1
                guard count == 1 else { _exit(ExitCode.interrupted.rawValue) }
                work.cancel()
                Task {
                    // Most commands end before this is printed.
                    try await Task.sleep(for: .seconds(2))
                    StandardError.line("stopping; once more to stop at once")
                }
            }
        }
        defer { watch.cancel() }
        try await work.value
    }
}
