internal import Daybook
internal import Dispatch
internal import Foundation
internal import Synchronization

/// A file, or the standard input, that is read on a thread of its own, because reading a pipe may block for any time.
package final class InputFile: Sendable {
    /// The size of the file; nil if it is not a file.
    package let size: Int64?
    private let descriptor: Int32
    private let isOwned: Bool
    private let queue = DispatchQueue(label: "daybook.input")

    /// How many bytes are read at a time.
    private static let chunkBytes = 1 << 20

    /// The process's standard input.
    package static let standardInput = InputFile(descriptor: STDIN_FILENO, isOwned: false)

    private init(descriptor: Int32, isOwned: Bool) {
        self.descriptor = descriptor
        self.isOwned = isOwned
        var status = stat()
        let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        size = isFile ? Int64(status.st_size) : nil
    }

    /// - Throws: ``DaybookError/Code/invalidArgument`` when it cannot be opened.
    package convenience init(path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DaybookError(.invalidArgument, "\(path) cannot be read: \(systemError())") }
        self.init(descriptor: descriptor, isOwned: true)
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// The next bytes; empty at the end.
    ///
    /// - Throws: ``DaybookError/Code/unavailable``; `CancellationError`, also while it waits.
    func read() async throws -> [UInt8] {
        let isCancelled = Atomic(false)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.async {
                    continuation.resume(with: Result { try self.readNow { isCancelled.load(ordering: .relaxed) } })
                }
            }
        } onCancel: {
            isCancelled.store(true, ordering: .relaxed)
        }
    }

    private func readNow(isCancelled: () -> Bool) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.chunkBytes)
        while true {
            // Wait for a fifth of a second at a time, so that a cancelled task ends.
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            while Foundation.poll(&poll, 1, 200) == 0 {
                if isCancelled() { throw CancellationError() }
            }
            let count = bytes.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 { return Array(bytes.prefix(count)) }
            guard errno == EINTR else {
                throw DaybookError(.unavailable, "what is to be imported cannot be read: \(systemError())")
            }
        }
    }
}

/// The lines of a file, with constant memory.
struct LineReader {
    private let input: InputFile
    private var buffer: [UInt8] = []
    /// Where the next line begins in `buffer`, and from where on its end was not searched yet.
    private var (start, searched) = (0, 0)
    private var isAtEnd = false
    /// The number, from 1, of the line that was read last, or that cannot be read.
    private(set) var number = 0
    /// How many bytes the lines so far had.
    private(set) var bytesRead: Int64 = 0

    init(_ input: InputFile) {
        self.input = input
    }

    /// The next line, without its newline; nil after the last.
    ///
    /// - Throws: ``DaybookError/Code/invalidImport`` for a line that is too long for an event,
    ///   ``DaybookError/Code/unavailable``.
    mutating func next() async throws -> [UInt8]? {
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { (start, searched) = (end + 1, end + 1) }
                return line(upTo: end, and: 1)
            }
            searched = buffer.count
            if isAtEnd {
                guard start < buffer.count else { return nil }
                defer { start = buffer.count }
                return line(upTo: buffer.count, and: 0)
            }
            guard buffer.count - start <= ExportLine.maximumLength else {
                number += 1
                throw DaybookError(
                    .invalidImport,
                    "it is longer than any event's, \(ExportLine.maximumLength) bytes: are these lines of text?")
            }
            buffer.removeFirst(start)
            start = 0
            searched = buffer.count
            let more = try await input.read()
            isAtEnd = more.isEmpty
            buffer += more
        }
    }

    private mutating func line(upTo end: Int, and terminator: Int) -> [UInt8] {
        number += 1
        bytesRead += Int64(end - start + terminator)
        return Array(buffer[start..<end])
    }
}

/// The system's description of its last error.
func systemError() -> String { String(cString: strerror(errno)) }
