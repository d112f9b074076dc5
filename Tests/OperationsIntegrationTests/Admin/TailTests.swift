@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("tail --follow", .timeLimit(.minutes(2)))
struct TailTests {
    /// Reads a child's lines up to the one that `isLast`.
    private func entries(_ child: ChildProcess, until isLast: (BSONDocument) -> Bool) async throws -> [BSONDocument] {
        var entries: [BSONDocument] = []
        for await line in child.lines {
            let entry = try BSONDocument(extendedJSON: line)
            entries.append(entry)
            if isLast(entry) { break }
        }
        return entries
    }

    @Test("beside writers nothing is left out and nothing comes twice, between the last events and those that come")
    func writers() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            for number in 0..<5 { try await accounts.execute(.deposit(1), on: "before-\(number)") }
            // The writers start first, so that the tail begins in the midst of them.
            let children = try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        for _ in 0..<40 { try await accounts.execute(.depositEach([1, 2]), on: "w-\(writer)") }
                    }
                }
                let all = try start(store, ["--follow", "--json", "--lines", "10000"])
                let few = try start(store, ["--follow", "--json", "--lines", "1", "--type", "account"])
                try await group.waitForAll()
                return [all, few]
            }
            try await store.repository(Tally.self).execute(.deposit(1), on: "T-1")
            let isLast = { (entry: BSONDocument) in entry["aggregateId"] == "account/last" }
            try await accounts.execute(.deposit(1), on: "last")
            for (number, child) in children.enumerated() {
                let entries = try await entries(child, until: isLast)
                #expect(Set(entries).count == entries.count)
                let written = entries.filter { $0.string(at: "aggregateId")?.hasPrefix("account/w-") == true }
                for writer in 0..<4 {
                    let versions = written.filter { $0["aggregateId"] == .string("account/w-\(writer)") }.compactMap {
                        $0.integer(at: "version")
                    }
                    // In order, and none left out behind the first one seen.
                    #expect(versions.isEmpty || versions == Array((versions.first ?? 0)...80))
                }
                if number == 0 {
                    #expect(written.count == 320)
                    #expect(entries.contains { $0["aggregateId"] == "tally/T-1" })
                } else {
                    #expect(!entries.contains { $0["aggregateId"] == "tally/T-1" })
                }
                child.interrupt()
                #expect(await child.ending() == .exited(status: 130))
            }
        }
    }

    @Test(
        "an event of nearly 16 MiB comes whole: the server is not asked for changes that are larger than their documents"
    )
    func largeEvent() async throws {
        try await withTestStore { store in
            try await ReconcileFixture.withWatched(on: store) { watched, proxy in
                let seen = Recorder<BSONDocument>()
                let tail = Task {
                    for try await case .event(let entry) in watched.tail(0, isFollowing: true) {
                        seen.record(entry.document)
                    }
                }
                await eventually("the stream is open") { proxy.count("getMore") > 0 }
                let event = try TransferFixture.event(
                    "account/large", 1,
                    data: ["blob": .binary(BSONBinary(bytes: [UInt8](repeating: 7, count: (16 << 20) - 2_048)))])
                try await store.raw.insert([event], into: "journal")
                await eventually("it comes", within: .seconds(30)) { !seen.all.isEmpty }
                #expect(seen.all == [event])
                // A change that has the document is larger than it, and refused by MongoDB; the local server does not
                // mind.
                let changes = proxy.exchanges.filter { $0.command == "getMore" }.compactMap(\.reply)
                #expect(changes.allSatisfy { $0.bytes.count < 1 << 20 })
                tail.cancel()
                _ = await tail.result
            }
        }
    }

    @Test("when whoever reads it has gone, it ends by itself, though nothing comes any more")
    func reader() async throws {
        try await withTestStore { store in
            for number in 0..<3 { try await store.repository(Account.self).execute(.deposit(1), on: "a-\(number)") }
            for arguments in ["tail --follow", "tail --follow --json", "tail -n 3", "history account/a-1"] {
                let child = try ChildProcess(
                    URL(filePath: "/bin/bash"),
                    [
                        "-c", #""$0" $1 --uri "$2" --database "$3" | head -1"#,
                        builtExecutable("daybook").path(percentEncoded: false), arguments,
                        store.configuration.uri, store.database,
                    ])
                var lines: [String] = []
                for await line in child.lines { lines.append(line) }
                #expect(lines.count == 1)
                #expect(await child.ending() == .exited(status: 0))
            }
        }
    }

    private func start(_ store: DaybookStore, _ arguments: [String]) throws -> ChildProcess {
        try ChildProcess(
            builtExecutable("daybook"),
            ["tail", "--uri", store.configuration.uri, "--database", store.database] + arguments)
    }
}
