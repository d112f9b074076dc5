import Foundation
import IntegrationSupport

/// A command line tool, run to its end: what it printed, what it complained of, and how it ended.
struct CommandRun: Sendable {
    var output: String
    var errors: String
    /// As a shell has it: 128 and the number for a signal.
    var status: Int32

    /// Runs an executable of this package. The server's address is in the environment that it inherits.
    ///
    /// - Parameters:
    ///   - environment: Variables in place of those that are inherited.
    ///   - limit: When it is killed, unless it has ended by then.
    init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], limit: Duration = .seconds(600)
    ) async throws {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = builtExecutable(program)
        process.arguments = arguments
        // libmongoc keeps counters in shared memory, by process id. Of a process that was killed the file stays, and
        // the next one of that id complains on standard error, before anything of ours runs.
        let quiet = ["MONGOC_DISABLE_SHM": "1"].merging(environment) { $1 }
        process.environment = ProcessInfo.processInfo.environment.merging(quiet) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        let (ends, ending) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in ending.finish() }
        try process.run()
        let child = process.processIdentifier
        let guardian = Task {
            try await Task.sleep(for: limit)
            kill(child, SIGKILL)
        }
        defer { guardian.cancel() }
        async let text = Self.read(output)
        async let complaints = Self.read(errors)
        (self.output, self.errors) = await (text, complaints)
        for await _ in ends {}
        status = process.terminationStatus + (process.terminationReason == .uncaughtSignal ? 128 : 0)
    }

    /// Reading blocks, so it has a thread of its own.
    private static func read(_ pipe: Pipe) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let data = (try? pipe.fileHandleForReading.readToEnd()) ?? Data()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
        }
    }
}
