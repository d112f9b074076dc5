import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// `export`, `import` and `doctor`, as an operator runs them.
@Suite("Commands that move and examine", .timeLimit(.minutes(3)))
struct TransferCommandTests {
    private func check(_ run: CommandRun, status: Int32 = 0, _ admin: AdminDatabase, golden: String) throws {
        #expect(run.status == status, "\(run.errors)")
        do {
            try checkGoldenText(masked(admin.masked(run.output)), file: "Golden/\(golden)")
        } catch {
            Issue.record("\(golden): \(error)")
        }
    }

    /// Without what another server or moment would say.
    private func masked(_ text: String) -> String {
        text.replacing(/since [0-9]+ days/, with: "since DAYS")
            .replacing(/MongoDB [0-9][0-9.]*[^,"]*, the replica set (\\?")[^"\\]*/) {
                "MongoDB VERSION, the replica set \($0.1)NAME"
            }
    }

    @Test("export and import move a journal, print what they did, and are the same the second time")
    func transfer() async throws {
        try await withPopulation { source in
            let directory = FileManager.default.temporaryDirectory.appending(path: "daybook-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: directory) }
            let file = directory.appending(path: "journal.jsonl").path
            try check(try await source.daybook("export", "--type", "member"), source, golden: "export.jsonl")
            let written = try await source.licensing("export", "--out", file)
            #expect(written.status == 0 && written.output.isEmpty)
            #expect(written.errors.contains("events of") && written.errors.contains("aggregates"))
            let whole = try await source.daybook("export", "--quiet")
            #expect(whole.errors.isEmpty)
            #expect(whole.output == (try String(contentsOfFile: file, encoding: .utf8)))
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["journal.jsonl"])
            try await withRawDatabase { database in
                let target = AdminDatabase(database: database)
                let unprepared = try await target.licensing("import", file)
                #expect(unprepared.status == 2 && unprepared.errors.contains("init"), "\(unprepared.errors)")
                _ = try await target.licensing("init")
                try check(try await target.licensing("import", file, "--dry-run"), target, golden: "import-dry-run.txt")
                #expect(try await database.documents(in: "journal").isEmpty)
                try check(try await target.licensing("import", file), target, golden: "import.txt")
                try check(try await target.licensing("import", file), target, golden: "import-again.txt")
                #expect(try await target.daybook("export", "--quiet").output == whole.output)
            }
        }
    }

    @Test("an export or import that fails ends with 2 and says why; a damaged journal is exported, and ends with 1")
    func failures() async throws {
        try await withRawDatabase { database in
            let admin = AdminDatabase(database: database)
            _ = try await admin.licensing("init")
            let none = try await admin.licensing("import", "/no/such/file")
            #expect(
                none.status == 2
                    && none.errors.contains("error: /no/such/file cannot be read: No such file or directory"))
            let nowhere = try await admin.daybook("export", "--out", "/no/such/place")
            #expect(nowhere.status == 2 && nowhere.errors.contains("/no/such/place cannot be written"))
            let typed = try await admin.daybook("export", "--type", "no-such")
            // Mistyped: an export without its events would look whole.
            #expect(
                typed.status == 2 && typed.errors.contains("no aggregate of the type \"no-such\""), "\(typed.errors)")
            let empty = try await admin.licensing("export", "--type", "title")
            #expect(empty.status == 0 && empty.errors.contains("there is no event of the type \"title\""))
            try await database.insert(
                [TransferFixture.event("relic/1", 1), TransferFixture.event("relic/1", 3)], into: "journal")
            let damaged = try await admin.daybook("export")
            #expect(damaged.status == 1 && damaged.output.split(separator: "\n").count == 2)
            #expect(
                damaged.errors.contains(
                    "the first at line 2 (relic/1 at version 3): there is a gap: version 2 is missing"))
            let file = FileManager.default.temporaryDirectory.appending(path: "daybook-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data("{}\n".utf8).write(to: file)
            let malformed = try await admin.licensing("import", file.path)
            #expect(malformed.status == 2 && malformed.errors.contains("line 1: it is no event"), "\(malformed.errors)")
        }
    }

    @Test("doctor prints what it found and what to do, for people and for programs, and ends with 0, 1 or 2")
    func doctor() async throws {
        try await withPopulation { admin in
            try check(try await admin.licensing("doctor"), admin, golden: "doctor.txt")
            try check(try await admin.licensing("doctor", "--json"), admin, golden: "doctor.json")
            try check(try await admin.daybook("doctor"), admin, golden: "doctor-daybook.txt")
            _ = try await admin.database.write(["dropIndexes": "journal", "index": "aggregateId_commandId"])
            _ = try await admin.database.write(["create": "snapshots.title.rebuild"])
            try check(try await admin.licensing("doctor"), status: 1, admin, golden: "doctor-sick.txt")
            try check(try await admin.licensing("doctor", "--json"), status: 1, admin, golden: "doctor-sick.json")
            let unreachable = try await admin.run(
                "daybook", ["doctor", "--json"], uri: "mongodb://ada:s3cret@127.0.0.1:1/?serverSelectionTimeoutMS=300")
            #expect(unreachable.status == 2 && unreachable.output.contains(#""problems" : 1"#), "\(unreachable)")
            #expect(!unreachable.output.contains("s3cret"))
        }
    }
}
