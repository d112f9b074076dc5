@testable import DaybookAdmin
import Foundation
import Testing

@Suite("Standard output")
struct StandardOutputTests {
    @Test("lines arrive whole and in order, whatever their size")
    func lines() async throws {
        let pipe = Pipe()
        let output = StandardOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        let reading = Task.detached { try pipe.fileHandleForReading.readToEnd() }
        let lines = (0..<500).map { "\($0) " + String(repeating: "é", count: $0 * 7) }
        for line in lines { try output.line(line) }
        try output.flush()
        try pipe.fileHandleForWriting.close()
        #expect(try await reading.value == Data(lines.map { $0 + "\n" }.joined().utf8))
    }

    @Test("writing to an output that its reader has closed is an error, and raises no signal")
    func closed() throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = Pipe()
        let output = StandardOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        try output.requireReader()
        try pipe.fileHandleForReading.close()
        #expect(throws: StandardOutput.Closed.self) { try output.requireReader() }
        try output.line("x")
        #expect(throws: StandardOutput.Closed.self) { try output.flush() }
    }

    @Test("a full disk is said")
    func full() throws {
        guard let device = FileHandle(forWritingAtPath: "/dev/full") else { return }
        let output = StandardOutput(descriptor: device.fileDescriptor)
        try output.line("x")
        let error = #expect(throws: CommandFailure.self) { try output.flush() }
        #expect(error?.message.contains("cannot be written") == true)
        #expect(error?.exitCode == .failed)
    }
}
