import Foundation
import Testing

#if Benchmarks
    private let isBuilt = true
#else
    private let isBuilt = false
#endif

/// As a process: what counts allocations and records commands stands before functions of libc and libmongoc, which no
/// test should run with.
@Suite("daybook-bench", .enabled(if: isBuilt, "scripts/test builds it, with --traits Benchmarks"))
struct BenchTests {
    private struct Row: Decodable {
        struct Spread: Decodable {
            let median: Double
            let lowest: Double
            let highest: Double
        }
        struct Ratio: Decodable {
            let rate: Spread
            let p50: Spread
        }
        let name: String
        let side: String
        let rate: Double
        let p50: Double
        let p99: Double
        let ratio: Ratio?
    }

    @Test("the codec is measured beside Foundation's coders, without a server")
    func codec() throws {
        let (status, output) = try run(
            "--scenario", "codec", "--case", "6-field", "--rounds", "2", "--seconds", "0.01", "--json")
        #expect(status == 0)
        let rows = try JSONDecoder().decode([Row].self, from: output)
        #expect(rows.map(\.side) == ["Daybook", "JSONEncoder", "Daybook", "JSONDecoder"])
        #expect(rows.map(\.name) == ["encode", "encode", "decode", "decode"].map { "\($0) 6-field enum" })
        for row in rows {
            #expect(row.rate > 0 && row.p50 > 0 && row.p50 <= row.p99)
            #expect((row.ratio == nil) == (row.side == "Daybook"))
            if let rate = row.ratio?.rate {
                #expect(0 < rate.lowest && rate.lowest <= rate.median && rate.median <= rate.highest)
            }
        }
    }

    @Test("a scenario that is none is refused, and so is a run without a server that needs one")
    func misuse() throws {
        #expect(try run("--scenario", "speed").status == 64)
        #expect(try run("--scenario", "append").status == 64)
        #expect(try run("--scenario", "codec", "--database", "admin").status == 64)
        #expect(try run("--scenario", "codec", "--case", "no such case").status == 64)
    }

    private func run(_ arguments: String...) throws -> (status: Int32, output: Data) {
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL ?? Bundle.main.bundleURL
        let directory = bundle.pathExtension == "xctest" ? bundle.deletingLastPathComponent() : bundle
        let process = Process()
        process.executableURL = directory.appendingPathComponent("daybook-bench")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "DAYBOOK_URI" }
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, data)
    }
}
