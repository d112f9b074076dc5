@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("An import", .timeLimit(.minutes(3)))
struct ImportTests {
    private static let first = "relic/1"

    private func lines(_ events: [BSONDocument]) throws -> [String] { try events.map(TransferFixture.line) }

    private func history(_ versions: ClosedRange<Int64>, of aggregateID: String = first) throws -> [BSONDocument] {
        try versions.map { try TransferFixture.event(aggregateID, $0, commandID: "c-\($0)") }
    }

    /// What an import is refused with; a dry run finds the same, and writes nothing.
    private func refusal(
        _ target: TransferFixture, _ lines: [String], isSeenByDryRun: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> DaybookError {
        let before = try await target.journal()
        let dry = try await daybookError { try await target.import(lines, isDryRun: true) }
        #expect(try await target.journal() == before, sourceLocation: sourceLocation)
        let error = try #require(
            try await daybookError { try await target.import(lines) }, sourceLocation: sourceLocation)
        if isSeenByDryRun {
            #expect(
                dry.map { error.message.hasPrefix($0.message) } == true, "\(dry?.message ?? "none")",
                sourceLocation: sourceLocation)
            #expect(dry?.version == error.version && dry?.code == error.code, sourceLocation: sourceLocation)
        }
        return error
    }

    @Test("an import that is a dry run counts, and writes nothing")
    func dryRun() async throws {
        try await TransferFixture.run { target in
            let events = try history(1...5)
            try await target.store.raw.insert(Array(events.prefix(2)), into: "journal")
            let rebuilt = Recorder<ImportedAggregates>()
            let text = Array(try lines(events).joined(separator: "\n").utf8)
            let report = try await target.import(text, isDryRun: true, rebuilding: rebuilt)
            #expect(report.isDryRun && report.events == 3 && report.skippedEvents == 2 && report.aggregates == 1)
            #expect(rebuilt.all.isEmpty)
            #expect(try await target.journal().count == 2)
        }
    }

    @Test("an import continues where another ended, and completes what has holes")
    func resume() async throws {
        try await TransferFixture.run { target in
            let events = try history(1...50)
            try await target.store.raw.insert(Array(events[0..<20] + events[30..<33]), into: "journal")
            let report = try await target.import(try lines(events))
            #expect(report.events == 27 && report.skippedEvents == 23)
            #expect(try await target.journal() == events)
            let more = try history(1...3, of: "relic/0")
            #expect(try await target.import(try lines(more + events[40...])).skippedEvents == 10)
            // Exactly behind what is there.
            let next = try history(51...52)
            #expect(try await target.import(try lines(next)).events == 2)
        }
    }

    @Test(
        "an import of differing events is refused by line, aggregate and version; earlier events are written, later ones are not"
    )
    func differs() async throws {
        try await TransferFixture.run { target in
            let events = try history(1...6)
            let other = try history(1...3, of: "relic/2")
            // The same id and place, another content.
            let changed = try events[3].setting("data", to: ["n": 2])
            try await target.store.raw.insert([changed], into: "journal")
            let content = try await refusal(target, try lines(events + other))
            #expect(content.code == .conflict && content.aggregateID == Self.first && content.version == 4)
            #expect(content.message.hasPrefix("line 4: ") && content.message.contains("its content is another"))
            #expect(content.message.contains("start the import again"))
            #expect(
                content.message.contains("snapshots of what it wrote are behind the journal, inline ones too (relic)"),
                "\(content.message)")
            #expect(try await target.journal().count == 4)
            // Another event at the place.
            try await target.store.raw.insert([TransferFixture.event("relic/2", 2)], into: "journal")
            let place = try await refusal(target, [""] + lines(other))
            #expect(place.code == .conflict && place.version == 2 && place.message.hasPrefix("line 3: "))
            #expect(place.message.contains("another event, with another id, is at version 2"))
            #expect(try await target.journal().count == 6)
        }
    }

    @Test("an import of an event id or a command id that is taken is refused, and names what has it")
    func duplicates() async throws {
        try await TransferFixture.run { target in
            let id = UUID()
            let theirs = try TransferFixture.event("relic/1", 1, id: id, commandID: "c-1")
            try await target.import(try lines([theirs]))
            let sameID = try await refusal(target, try lines([TransferFixture.event("relic/2", 1, id: id)]))
            #expect(sameID.code == .conflict && sameID.aggregateID == "relic/2")
            #expect(sameID.message.contains("its id is that of relic/1 at version 1"), "\(sameID.message)")
            let sameCommand = try await refusal(
                target, try lines([theirs, TransferFixture.event("relic/1", 2, commandID: "c-1")]))
            #expect(
                sameCommand.message.hasPrefix("line 2: its command id is that of version 1 too"),
                "\(sameCommand.message)")
            let sameCommandThere = try await refusal(
                target, try lines([TransferFixture.event("relic/1", 2, commandID: "c-1")]))
            #expect(sameCommandThere.code == .conflict && sameCommandThere.version == 2)
            #expect(sameCommandThere.message.contains("its command id was used before, at version 1"))
            // Two of the file: only the journal's own index sees that.
            let shared = UUID()
            let twice = try ["relic/3", "relic/4"].map { try TransferFixture.event($0, 1, id: shared) }
            let inFile = try await refusal(target, try lines(twice), isSeenByDryRun: false)
            #expect(
                inFile.message.hasPrefix("line 2: ")
                    && inFile.message.contains("its id is that of relic/3 at version 1"))
            #expect(try await target.journal().count == 2)
        }
    }

    @Test("an import with a gap is refused: no event is written without its predecessor")
    func gaps() async throws {
        try await TransferFixture.run { target in
            let events = try history(1...9)
            let inFile = try await refusal(target, try lines(Array(events[0..<3] + events[4...])))
            #expect(inFile.code == .invalidImport && inFile.version == 5)
            #expect(inFile.message.hasPrefix("line 4: there is a gap: version 4 is missing before it"))
            #expect(try await target.journal() == Array(events[0..<3]))
            let behind = try await refusal(target, try lines(history(1...2, of: "relic/0") + events[5...]))
            #expect(
                behind.message.hasPrefix(
                    "line 3: there is a gap: the file has the aggregate from version 6 on, and this journal has it "))
            #expect(behind.message.contains("up to version 3"))
            #expect(try await target.journal().count == 5)
            let new = try await refusal(target, try lines(history(2...3, of: "relic/9")))
            #expect(new.message.contains("from version 2 on, and this journal has nothing of it"))
            let apart = try await refusal(target, try lines([events[3]] + history(1...1, of: "relic/2") + [events[4]]))
            #expect(apart.message.hasPrefix("line 3: other aggregates' events stand between its own"))
            #expect(try await target.journal().count == 7)
        }
    }

    static let malformed: [(line: String, reason: String)] = [
        ("x", "it is not the extended JSON of an event"), ("{}", "it lacks the field \"_id\""),
        ("[]", "it is not the extended JSON"),
        ("{ \"_id\" : 1 }", "\"_id\" of another form"),
        ("{ \"$bson\" : { \"$binary\" : { \"base64\": \"AA==\", \"subType\" : \"00\" } } }", "corrupt"),
        ("\u{FEFF}{}", "it is not the extended JSON"),
    ]

    @Test(
        "an import of a malformed line is refused by its number and the reason; nothing after it is written",
        arguments: malformed.indices)
    func refusesMalformed(index: Int) async throws {
        let (line, reason) = Self.malformed[index]
        try await TransferFixture.run { target in
            let events = try history(1...3)
            let error = try await refusal(
                target, ["", try TransferFixture.line(events[0]), line] + lines(Array(events[1...])))
            #expect(error.code == .invalidImport)
            #expect(error.message.hasPrefix("line 3: ") && error.message.contains(reason), "\(error.message)")
            #expect(!error.message.contains(".."), "\(error.message)")
            #expect(try await target.journal() == [events[0]])
        }
    }

    @Test("an import of a file that is cut off, or is no text, is refused at its end")
    func cut() async throws {
        try await TransferFixture.run { target in
            let events = try history(1...3)
            let text = Array(try lines(events).joined(separator: "\n").utf8)
            let error = try await daybookError { try await target.import(Array(text.dropLast(40))) }
            #expect(error?.message.hasPrefix("line 3: it is not the extended JSON") == true)
            #expect(try await target.journal().count == 2)
            let binary = try await daybookError { try await target.import([0x1F, 0x8B, 8, 0, 0xFF, 0xFE]) }
            #expect(binary?.message.hasPrefix("line 1: it is not UTF-8") == true)
            #expect(
                try await target.import(text + [UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\n")]).events == 1
            )
        }
    }

    @Test("an import into an unprepared database, or by a user who may only read, is refused")
    func refused() async throws {
        let line = try TransferFixture.line(TransferFixture.event("relic/1", 1))
        try await withRawDatabase { database in
            try await withDaybook(DaybookConfiguration(uri: try TestServer.uri, database: database.name)) { store in
                let target = TransferFixture(store: store, directory: FileManager.default.temporaryDirectory)
                for isDryRun in [true, false] {
                    let error = try await daybookError { try await target.import([line], isDryRun: isDryRun) }
                    #expect(error?.code == .notInitialized)
                }
                #expect(try await database.documents(in: "journal").isEmpty)
            }
        }
        guard try TestServer.asksForPasswords else { return }
        try await withTestStore(for: testAggregates, as: .reader) { store in
            let target = TransferFixture(store: store, directory: FileManager.default.temporaryDirectory)
            #expect(try await target.import([line], isDryRun: true).events == 1)
            let error = try await daybookError { try await target.import([line]) }
            #expect(error?.code == .unauthorized)
        }
    }

    @Test("an import that is killed is completed by the next one")
    func killed() async throws {
        try await TransferFixture.run { target in
            let events = try (1...30).flatMap { try history(1...100, of: "account/\($0)") }
            let text = try lines(events)
            let pipe = target.directory.appending(path: "pipe").path
            #expect(mkfifo(pipe, 0o600) == 0)
            let child = try ChildProcess(
                builtExecutable("licensing"),
                ["import", "--uri", target.store.configuration.uri, "--database", target.store.database, pipe])
            // Two thirds of it: the import writes a part of that, and waits for more until it is killed.
            let writing = Thread { [part = text.prefix(2_000).joined(separator: "\n") + "\n"] in
                let descriptor = open(pipe, O_RDWR)
                _ = Array(part.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            }
            writing.start()
            await eventually("a part is in", within: .seconds(60)) { (try? await target.journal().count) ?? 0 >= 1_000 }
            child.kill()
            #expect(await child.ending() == .killed(signal: SIGKILL))
            let there = try await target.journal().count
            #expect((1_000..<3_000).contains(there))
            let report = try await target.import(text)
            // What was on its way when the process died may have landed behind the count.
            #expect(report.skippedEvents >= there && report.skippedEvents + report.events == 3_000)
            #expect(Set(try await target.journal()) == Set(events))
        }
    }
}
