@testable import Daybook
import Foundation
import Testing

@Suite("The fingerprint of the program")
struct ProgramFingerprintTests {
    #if os(Linux)
        @Test("the fingerprint is the beginning of the SHA-256 of the running executable")
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
