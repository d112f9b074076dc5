import DaybookBSON
import Foundation
import Testing

@testable import CodecProbe

@Suite("encoding in several processes")
struct ProcessTests {
    @Test("the same value is the same bytes in every process")
    func processes() throws {
        let expected = try BSONEncoder().encode(Fixture()).bytes
        #expect(
            try BSONDecoder().decode(Fixture.self, from: BSONDocument(validating: expected)).byPair == Fixture().byPair)
        for _ in 0..<5 {
            let process = Process()
            let output = Pipe()
            process.executableURL = Bundle.main.executableURL?.deletingLastPathComponent().appendingPathComponent(
                "CodecProbe")
            process.standardOutput = output
            try process.run()
            let printed = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            #expect(hex(String(decoding: printed, as: UTF8.self)) == expected)
        }
    }
}
