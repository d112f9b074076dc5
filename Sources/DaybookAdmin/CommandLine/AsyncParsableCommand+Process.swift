public import ArgumentParser
internal import Foundation
internal import Logging
internal import UnixSignals

extension AsyncParsableCommand {
    /// Parses the process's arguments, runs the command that they name, and ends the process: what a root command's `main()` does.
    ///
    /// `SIGINT` and `SIGTERM` cancel the command's task, so that it ends cleanly, with the exit code 130; a second one ends the process at once.
    /// An error is printed to stderr as one or few lines. Logs go to stderr, those of `LoggingSystem` from warnings on.
    ///
    /// Exit codes: those of ``CommandFailure``, 64 for wrong usage, 141 when whoever reads the output has stopped.
    public static func runProcess<Application: AdminApplication>(of application: Application.Type) async -> Never {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .warning
            return handler
        }
        // A write to a closed pipe is an error like others: nobody is to be killed in mid-commit because `head` has seen enough.
        signal(SIGPIPE, SIG_IGN)
        do {
            let command = try await asyncParseAsRoot()
            try await run(command)
        } catch {
            fail(application, error)
        }
        end(.success)
    }

    /// Ends the process now, without what libraries do at its end: that takes away what the driver's threads may still use, and nothing that would
    /// outlive the process.
    private static func end(_ code: ExitCode) -> Never {
        fflush(nil)
        _exit(code.rawValue)
    }

    private static func run(_ command: any ParsableCommand) async throws {
        guard let asynchronous = command as? any AsyncParsableCommand else {
            var command = command
            return try command.run()
        }
        // Handed over to the one task that runs it, and not touched here any more.
        nonisolated(unsafe) var running = asynchronous
        guard !(asynchronous is any SignalHandlingCommand) else { return try await running.run() }
        try await Interruption.heeding { try await running.run() }
    }

    private static func fail<Application: AdminApplication>(_ application: Application.Type, _ error: any Error) -> Never {
        switch error {
        case is ExitCode, is ValidationError, is CleanExit: end(withParserError: error)
        case is StandardOutput.Closed: end(.outputClosed)
        case is CancellationError: end(.interrupted)
        default: break
        }
        // What the parser throws has a type that it keeps to itself.
        guard exitCode(for: error) == .failure, let failure = CommandFailure(error, of: application) else {
            end(withParserError: error)
        }
        StandardError.line("\(failure.label): \(failure.message)")
        end(failure.exitCode)
    }

    /// Prints what the parser has to say, as its `exit(withError:)` does.
    private static func end(withParserError error: any Error) -> Never {
        let code = exitCode(for: error)
        let message = fullMessage(for: error)
        if !message.isEmpty {
            if code.isSuccess { print(message) } else { StandardError.line(message) }
        }
        end(code)
    }
}

/// Signals that ask a command to end.
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
                    // Most commands end before this is read.
                    try await Task.sleep(for: .seconds(2))
                    StandardError.line("stopping; once more to stop at once")
                }
            }
        }
        defer { watch.cancel() }
        try await work.value
    }
}
