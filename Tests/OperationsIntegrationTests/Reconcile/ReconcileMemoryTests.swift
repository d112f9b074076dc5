import Daybook
import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("Memory of a reconciliation", .serialized, .timeLimit(.minutes(30)))
struct ReconcileMemoryTests {
    /// Prints the largest resident size, in KiB, that a command had while it ran: the kernel tells a parent when a
    /// child has ended.
    private static let measuring = """
        import resource, subprocess, sys
        ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
        print(ended.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        """

    private func peak(_ arguments: [String], of database: RawDatabase) async throws -> Int {
        let program = builtExecutable("licensing").path(percentEncoded: false)
        let line =
            try await Python.run(Self.measuring, [program] + arguments + ["--database", database.name]).first ?? ""
        let numbers = line.split(separator: " ").compactMap { Int($0) }
        try #require(numbers.count == 2 && numbers[0] == 0, "\(line)")
        return numbers[1]
    }

    @Test("does not grow with the journal: of five times as many events verify and rebuild need at most a fifth more")
    func flat() async throws {
        var peaks: [String: [Int]] = [:]
        let commands = [["verify", "--quiet"], ["verify", "--quick", "--quiet"], ["rebuild", "--quiet"]]
        for factor in [1, 5] {
            try await withRawDatabase { database in
                // A licence of the population, with its member and title, has about fourteen events.
                let licenses = max(10, factor * TestScale.memoryEvents / 14)
                let seed = try await CommandRun(
                    "licensing",
                    [
                        "seed", "--members", "\(max(2, licenses / 5))", "--licenses", "\(licenses)", "--bulk",
                        "--quiet",
                        "--database",
                        database.name,
                    ])
                try #require(seed.status == 0, "\(seed.errors)")
                for command in commands {
                    peaks[command.joined(separator: " "), default: []].append(try await peak(command, of: database))
                }
            }
        }
        for (command, sizes) in peaks {
            // Buffers fill up to their bounds at first.
            #expect(sizes[1] <= sizes[0] * 12 / 10 + 8 * 1_024, "\(command): \(sizes) KiB")
        }
    }
}
