@testable import Daybook
@testable import DaybookOperations
import Foundation
import Testing

@Suite("Files of an export and an import")
struct TransferFileTests {
    private func withDirectory<R>(_ body: (URL) async throws -> R) async throws -> R {
        let directory = FileManager.default.temporaryDirectory.appending(path: "daybook-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try await body(directory)
    }

    private func lines(_ text: String) async throws -> (lines: [String], bytes: Int64) {
        try await withDirectory { directory in
            let file = directory.appending(path: "f")
            try Data(text.utf8).write(to: file)
            let input = try InputFile(path: file.path)
            #expect(input.size == Int64(text.utf8.count))
            var reader = LineReader(input)
            var lines: [String] = []
            while let line = try await reader.next() { lines.append(String(decoding: line, as: UTF8.self)) }
            #expect(reader.number == lines.count)
            let end = try await reader.next()
            #expect(end == nil)
            return (lines, reader.bytesRead)
        }
    }

    @Test("lines are read whatever their length, also the last without an end")
    func reading() async throws {
        #expect(try await lines("").lines.isEmpty)
        #expect(try await lines("\n\n").lines == ["", ""])
        #expect(try await lines("a\nb").lines == ["a", "b"])
        let long = (0..<20).map { String(repeating: "\($0)", count: $0 * 100_000 + 1) }
        let text = long.joined(separator: "\n") + "\n"
        let (lines, bytes) = try await lines(text)
        #expect(lines == long)
        #expect(bytes == Int64(text.utf8.count))
    }

    @Test("a pipe is read as it comes, and a task that waits for it can be cancelled")
    func pipe() async throws {
        try await withDirectory { directory in
            let path = directory.appending(path: "pipe").path
            #expect(mkfifo(path, 0o600) == 0)
            // Opened for both, so that neither end waits for the other.
            let descriptor = open(path, O_RDWR)
            defer { close(descriptor) }
            let input = try InputFile(path: path)
            #expect(input.size == nil)
            _ = write(descriptor, "ab\nc", 4)
            var reader = LineReader(input)
            let first = try await reader.next()
            #expect(first == Array("ab".utf8))
            let waiting = Task { () -> [UInt8]? in
                var reader = LineReader(input)
                return try await reader.next()
            }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
    }

    @Test("the error for a file that cannot be read or written has its name and the reason")
    func refused() async throws {
        try await withDirectory { directory in
            for path in [directory.appending(path: "none").path] {
                let error = #expect(throws: DaybookError.self) { try InputFile(path: path) }
                #expect(error?.message.contains(path) == true)
                #expect(error?.message.contains("No such file") == true)
            }
            for path in [directory.path, directory.appending(path: "no/where").path, "/dev/null"] {
                let error = #expect(throws: DaybookError.self) { try OutputFile(path: path) }
                #expect(error?.message.contains(path) == true)
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            #expect(left.isEmpty)
        }
    }

    @Test("a file is there when it is whole, and what was there stays until then")
    func whole() async throws {
        try await withDirectory { directory in
            let file = directory.appending(path: "out.jsonl")
            try Data("old".utf8).write(to: file)
            do {
                let output = try OutputFile(path: file.path)
                try output.write(Array("ne".utf8))
                #expect(try String(contentsOf: file, encoding: .utf8) == "old")
                #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).count == 2)
            }
            #expect(try String(contentsOf: file, encoding: .utf8) == "old")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["out.jsonl"], "it was given up")
            let link = directory.appending(path: "link")
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
            let output = try OutputFile(path: link.path)
            try output.write(Array("new".utf8))
            try output.write([])
            try output.finish()
            #expect(try String(contentsOf: file, encoding: .utf8) == "new")
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path) == file.path)
        }
    }
}
