@testable import Daybook
import Foundation
import Testing

@Suite("The fingerprint of the program")
struct ProgramFingerprintTests {
    #if os(Linux)
        @Test("is the beginning of the SHA-256 of the executable that runs")
        func digest() async throws {
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(filePath: "/usr/bin/sha256sum")
            process.arguments = ["/proc/\(ProcessInfo.processInfo.processIdentifier)/exe"]
            process.standardOutput = output
            try process.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            #expect(await ProgramFingerprint.read() == String(text.prefix(32)))
        }
    #endif
}
