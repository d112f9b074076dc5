package import DaybookBSON
internal import Foundation
internal import Synchronization

/// The data that a command prints: the one place that writes to stdout.
///
/// Lines are collected, and written when there are many or on ``flush()``; on a terminal at once.
package final class StandardOutput: Sendable {
    /// Whoever read the output has stopped, as `head` does.
    package struct Closed: Error {}

    private let descriptor: Int32
    private let isTerminal: Bool
    private let buffer = Mutex<[UInt8]>([])

    package init(descriptor: Int32 = STDOUT_FILENO) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
    }

    /// Runs `body` with the process's output, all of which is written when it returns or throws.
    package static func write<R>(
        isolation: isolated (any Actor)? = #isolation, _ body: (StandardOutput) async throws -> R
    ) async throws -> R {
        let output = StandardOutput()
        let result: R
        do {
            result = try await body(output)
        } catch {
            try output.flush()
            throw error
        }
        try output.flush()
        return result
    }

    /// Prints a line.
    ///
    /// - Throws: ``Closed``; ``CommandFailure`` when it cannot be written.
    package func line(_ text: String = "") throws {
        let isFull = buffer.withLock { buffer in
            buffer.append(contentsOf: text.utf8)
            buffer.append(UInt8(ascii: "\n"))
            return isTerminal || buffer.count >= 1 << 16
        }
        if isFull { try flush() }
    }

    /// Prints a document as relaxed extended JSON, on a line of its own.
    package func json(_ document: BSONDocument) throws {
        try line(document.extendedJSON(.relaxed))
    }

    /// Prints a document as relaxed extended JSON over several lines, what is short on one of them.
    package func prettyJSON(_ document: BSONDocument) throws {
        try line(document.laidOut(.relaxed))
    }

    /// Makes sure that somebody still reads, where that can be told.
    ///
    /// - Throws: ``Closed``
    package func requireReader() throws {
        // Of a pipe's or a socket's writing end: the other end is closed. https://man7.org/linux/man-pages/man2/poll.2.html
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        if poll(&entry, 1, 0) > 0, entry.revents & Int16(POLLERR) != 0 { throw Closed() }
    }

    /// Writes what has been printed so far.
    package func flush() throws {
        try buffer.withLock { buffer in
            defer { buffer.removeAll(keepingCapacity: true) }
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
                if count >= 0 {
                    rest = rest.dropFirst(count)
                    continue
                }
                switch errno {
                case EINTR: continue
                case EPIPE: throw Closed()
                default: throw CommandFailure("the output cannot be written: \(String(cString: strerror(errno)))")
                }
            }
        }
    }
}
