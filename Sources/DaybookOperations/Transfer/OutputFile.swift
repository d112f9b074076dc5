internal import Daybook
internal import Foundation

/// A file that appears only when it is complete: it is written under another name in the same directory, and renamed at
/// the end.
///
/// An existing file of its name stays until then, and stays if the writing fails.
package final class OutputFile: Sendable {
    private let path: String
    private let temporary: String
    private let descriptor: Int32

    /// Opens the file under its temporary name.
    ///
    /// - Parameter path: If it is a link, the file that it leads to is replaced.
    /// - Throws: ``DaybookError/Code/invalidArgument`` when it cannot be written, or exists and is not an ordinary
    ///   file.
    package init(path: String) throws {
        let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        self.path = url.path
        var status = stat()
        guard stat(self.path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
            throw DaybookError(
                .invalidArgument, "\(path) is no ordinary file; to write to it, redirect the standard output")
        }
        let name = ".\(url.lastPathComponent).\(ProcessInfo.processInfo.processIdentifier).partial"
        temporary = url.deletingLastPathComponent().appendingPathComponent(name).path
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw DaybookError(.invalidArgument, "\(path) cannot be written: \(systemError())")
        }
    }

    deinit {
        close(descriptor)
        unlink(temporary)
    }

    /// - Throws: ``DaybookError/Code/unavailable``, as when the disk is full.
    package func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw DaybookError(.unavailable, "\(path) cannot be written: \(systemError())")
            }
        }
    }

    /// Renames the file to its final name, once it is on disk. Call it last.
    package func finish() throws {
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            throw DaybookError(.unavailable, "\(path) cannot be written: \(systemError())")
        }
    }
}
