import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Licensing
import Testing

/// `licensing seed`, as a user runs it.
@Suite(.timeLimit(.minutes(6))) struct PopulationTests {
    private static let numbers = ["--members", "8", "--licenses", "20", "--seed", "7"]
    private static let collections = ["journal", "snapshots.license", "snapshots.member", "snapshots.title"]

    /// What the command prints; it must succeed.
    @discardableResult
    private func seed(_ database: RawDatabase, _ arguments: [String] = numbers, more: [String] = []) async throws
        -> [String]
    {
        let child = try start(database, arguments + more)
        var lines: [String] = []
        for await line in child.lines { lines.append(line) }
        #expect(await child.ending() == .exited(status: 0))
        return lines
    }

    /// The server's address is in the environment that it inherits.
    private func start(_ database: RawDatabase, _ arguments: [String]) throws -> ChildProcess {
        try ChildProcess(builtExecutable("licensing"), ["seed", "--database", database.name] + arguments)
    }

    private func content(_ database: RawDatabase) async throws -> [String: Set<BSONDocument>] {
        var content: [String: Set<BSONDocument>] = [:]
        for collection in Self.collections { content[collection] = Set(try await database.documents(in: collection)) }
        return content
    }

    @Test("the same seed is the same population, to the byte, by real commands and in bulk; another seed is another")
    func same() async throws {
        try await withRawDatabase { real in
            try await withRawDatabase { bulk in
                let summary = try await seed(real)
                try await seed(bulk, more: ["--bulk"])
                let content = try await content(real)
                #expect(try await self.content(bulk) == content)
                #expect(content["snapshots.license"]?.count == 20)
                #expect(summary.first?.contains("20 licences") == true)
                let another = ["--members", "8", "--licenses", "20", "--seed", "8", "--bulk"]
                try await withRawDatabase { other in
                    try await seed(other, another)
                    let other = try await self.content(other)
                    #expect(other["journal"]?.isDisjoint(with: content["journal"] ?? []) == true)
                }
            }
        }
    }

    @Test("a run that is killed is completed by the next one; what is complete is left as it is")
    func interrupted() async throws {
        try await withRawDatabase { whole in
            try await withRawDatabase { database in
                try await seed(whole, more: ["--bulk"])
                let child = try start(database, Self.numbers + ["--rate", "40"])
                await eventually("some events", within: .seconds(30)) {
                    (try? await database.documents(in: "journal").count) ?? 0 >= 30
                }
                child.kill()
                _ = await child.ending()
                let total = try await content(whole)["journal"]?.count ?? 0
                #expect(try await database.documents(in: "journal").count < total, "it was not interrupted")
                try await seed(database)
                #expect(try await content(database) == content(whole))
                try await seed(database)
                try await seed(database, more: ["--bulk"])
                #expect(try await content(database) == content(whole))
            }
        }
    }

    @Test("a bulk load that was interrupted is completed; an event that is another one is not written over")
    func bulk() async throws {
        try await withRawDatabase { database in
            try await seed(database, more: ["--bulk"])
            let content = try await content(database)
            // Half of the events are lost, and with them every snapshot: as when the client died in between.
            for event in try await database.documents(in: "journal") where event.integer(at: "version") ?? 0 > 2 {
                try await database.delete(["_id": event["_id"] ?? .null], from: "journal")
            }
            for snapshot in try await database.documents(in: "snapshots.license") {
                try await database.delete(["_id": snapshot["_id"] ?? .null], from: "snapshots.license")
            }
            try await seed(database, more: ["--bulk"])
            #expect(try await self.content(database) == content)

            let first = try #require(try await database.documents(in: "journal", where: ["version": 1]).first)
            try await database.delete(["_id": first["_id"] ?? .null], from: "journal")
            try await database.insert([first.setting("type", to: "another")], into: "journal")
            let damaged = try await self.content(database)
            let child = try start(database, Self.numbers + ["--bulk"])
            for await _ in child.lines {}
            #expect(await child.ending() == .exited(status: 2))
            #expect(try await self.content(database) == damaged)
        }
    }

    @Test("a population has every state, and some refusals")
    func believable() async throws {
        try await withRawDatabase { database in
            let numbers = ["--members", "60", "--licenses", "300", "--seed", "1", "--bulk"]
            let summary = try await seed(database, numbers)
            let licenses = try await database.documents(in: "snapshots.license")
            let states = Set(licenses.compactMap { $0.string(at: "state.status") })
            #expect(states == Set(License.Status.allCases.map(\.rawValue)).subtracting(["unissued"]))
            #expect(summary.first?.contains(" 0 refused") == false)
            // It lives in 2025, whenever it is made.
            let year = Date(timeIntervalSince1970: 1_735_689_600)..<Date(timeIntervalSince1970: 1_767_225_600 + 1)
            for event in try await database.documents(in: "journal") {
                guard case .datetime(let date) = event["recordedAt"] else { throw RawDatabase.NoMatch() }
                #expect(year.contains(date.date))
            }
        }
    }
}
