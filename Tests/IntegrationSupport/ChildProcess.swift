package import Foundation

/// A process that a test starts, reads and may kill.
package final class ChildProcess: Sendable {
    package enum Ending: Sendable, Equatable {
        case exited(status: Int32)
        case killed(signal: Int32)
    }

    /// What it writes to its standard output, line by line, until it ends. Its standard error is ours unless it is
    /// joined to that.
    package let lines: AsyncStream<String>
    private let process: Process
    private let endings: AsyncStream<Ending>

    /// - Parameters:
    ///   - input: What it reads from its standard input.
    ///   - environment: Variables in place of those that are inherited.
    ///   - joinsErrors: Whether what it writes to its standard error comes among its lines.
    package init(
        _ executable: URL, _ arguments: [String], input: String = "", environment: [String: String] = [:],
        joinsErrors: Bool = false
    ) throws {
        let process = Process()
        let (output, standardInput) = (Pipe(), Pipe())
        process.executableURL = executable
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        if joinsErrors { process.standardError = output }
        process.standardInput = standardInput
        let (endings, ending) = AsyncStream.makeStream(of: Ending.self)
        process.terminationHandler = { process in
            ending.yield(
                process.terminationReason == .uncaughtSignal
                    ? .killed(signal: process.terminationStatus) : .exited(status: process.terminationStatus))
            ending.finish()
        }
        try process.run()
        self.process = process
        self.endings = endings
        lines = Self.lines(of: output)
        Thread.detachNewThread {
            try? standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try? standardInput.fileHandleForWriting.close()
        }
    }

    /// Ends it as a power cut would: it can do nothing about it.
    package func kill() {
        _ = Foundation.kill(process.processIdentifier, SIGKILL)
    }

    /// The id by which the machine knows it.
    package var id: Int32 { process.processIdentifier }

    /// Stops it where it is, as a machine that hangs would.
    package func stop() {
        _ = Foundation.kill(process.processIdentifier, SIGSTOP)
    }

    /// Lets it go on after ``stop()``.
    package func `continue`() {
        _ = Foundation.kill(process.processIdentifier, SIGCONT)
    }

    /// Asks it to end, as Ctrl-C does.
    package func interrupt() { signal(SIGINT) }

    /// Sends it a signal.
    package func signal(_ signal: Int32) {
        _ = Foundation.kill(process.processIdentifier, signal)
    }

    /// How it ended. To be asked once.
    package func ending() async -> Ending? {
        await endings.first { _ in true }
    }

    /// Reading blocks, so it has a thread of its own.
    private static func lines(of pipe: Pipe) -> AsyncStream<String> {
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        Thread.detachNewThread {
            var rest = Data()
            while case let chunk = pipe.fileHandleForReading.availableData, !chunk.isEmpty {
                rest += chunk
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    continuation.yield(String(decoding: rest[..<end], as: UTF8.self))
                    rest = Data(rest[rest.index(after: end)...])
                }
            }
            if !rest.isEmpty { continuation.yield(String(decoding: rest, as: UTF8.self)) }
            continuation.finish()
        }
        return lines
    }
}
