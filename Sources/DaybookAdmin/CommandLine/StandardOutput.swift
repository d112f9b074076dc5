package import DaybookBSON
internal import Foundation
internal import Synchronization

/// The data that a command prints. All output to stdout is written here.
///
/// Lines are collected, and written when there are many or on ``flush()``; on a terminal at once.
package final class StandardOutput: Sendable {
    /// The reader of the output has closed it, as `head` does.
    package struct Closed: Error {}

    private let descriptor: Int32
    private let isTerminal: Bool
    private let buffer = Mutex<[UInt8]>([])

    package init(descriptor: Int32 = STDOUT_FILENO) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
    }

    /// Runs `body` with the process's output. All of it is written when this returns or throws.
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
    /// - Throws: ``Closed``; ``CommandFailure`` when writing fails.
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

    /// Prints a document as relaxed extended JSON over several lines; short values stay on one line.
    package func prettyJSON(_ document: BSONDocument) throws {
        try line(document.laidOut(.relaxed))
    }

    /// Throws when the reader of the output has closed it, where that can be detected.
    ///
    /// - Throws: ``Closed``
    package func requireReader() throws {
        // On the writing end of a pipe or socket, POLLERR means that the reading end is closed.
        // https://man7.org/linux/man-pages/man2/poll.2.html
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        if poll(&entry, 1, 0) > 0, entry.revents & Int16(POLLERR) != 0 { throw Closed() }
    }

    /// Writes the lines that were collected.
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
