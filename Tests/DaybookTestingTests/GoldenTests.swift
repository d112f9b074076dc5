import Daybook
import DaybookTesting
import Foundation
import SampleAggregates
import Testing

/// Tests bring their own file, so that what the environment says of recording does not matter.
@Suite("checkGolden")
struct GoldenTests {
    private static let events: [GaugeEvent] = [
        .read(value: 0.1, at: SimulatedClock.start),
        .labelled(labels: ["b": "é\n\"/", "a": String(repeating: "x", count: 90)]),
        .read(value: -0.0, at: SimulatedClock.start.addingTimeInterval(0.001)),
    ]

    /// In a folder that is not there yet.
    private func withFile(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "golden-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appending(path: "sub/gauge.json"))
    }

    private func record<A: Aggregate>(_ aggregate: A.Type, _ events: [A.Event], _ file: URL) {
        expectFailure(
            .goldenRecorded,
            "recorded \(file.path). Look at it, commit it, and run this test again without recording: it fails this once."
        ) { try checkGolden(aggregate, events: events, file: file, record: true) }
    }

    private func withRecordedFile(_ body: (URL) throws -> Void) throws {
        try withFile { file in
            record(Gauge.self, Self.events, file)
            try body(file)
        }
    }

    private func replace(_ text: String, by other: String, in file: URL) throws {
        let content = try String(contentsOf: file, encoding: .utf8)
        try #require(content.contains(text))
        try Data(content.replacing(text, with: other).utf8).write(to: file)
    }

    // MARK: Right ones

    @Test("a recorded file passes, with recording on too, and is not touched by it")
    func recorded() throws {
        try withRecordedFile { file in
            let before = try Data(contentsOf: file)
            try checkGolden(Gauge.self, events: Self.events, file: file, record: false)
            try checkGolden(Gauge.self, events: Self.events, file: file, record: true)
            try checkGolden(Gauge.self, file: file.path, record: false)
            #expect(try Data(contentsOf: file) == before)
        }
    }

    @Test("the file is the same text in every run: lines, sorted keys, a newline at its end")
    func text() throws {
        try withFile { file in
            record(Gauge.self, [Self.events[0], .labelled(labels: ["b": "2", "a": "1"])], file)
            let text = try String(contentsOf: file, encoding: .utf8)
            // The digest is the one that PyMongo's encoder gives for this state.
            #expect(
                text == """
                    {
                      "aggregate": "gauge",
                      "stateSchema": 1,
                      "events": [
                        {
                          "type": "read",
                          "schema": 1,
                          "data": {
                            "value": { "$numberDouble" : "0.10000000000000000555" },
                            "at": { "$date" : { "$numberLong" : "1767225600000" } }
                          }
                        },
                        {
                          "type": "labelled",
                          "schema": 1,
                          "data": { "labels": { "a": "1", "b": "2" } }
                        }
                      ],
                      "state": {
                        "last": { "$numberDouble" : "0.10000000000000000555" },
                        "count": { "$numberLong" : "1" },
                        "labels": { "a": "1", "b": "2" }
                      },
                      "sha256": "a10f0646859fc15c43e71465b0c650ef4985b3ffabe87ff0aa86c41755380229"
                    }

                    """)
        }
    }

    @Test("a file with other line ends, as a checkout may have it, is the same file")
    func lineEnds() throws {
        try withRecordedFile { file in
            try replace("\n", by: "\r\n", in: file)
            try checkGolden(Gauge.self, events: Self.events, file: file, record: false)
        }
    }

    // MARK: Changes

    @Test("a state that changed under the same stateSchema is refused by its paths, and no recording replaces it")
    func changed() throws {
        try withRecordedFile { file in
            let before = try Data(contentsOf: file)
            for record in [false, true] {
                expectFailure(
                    .stateChanged,
                    """
                    RenamedGauge gives another state than it gave from the same events, and stateSchema is 1 as before \
                    (\(file.path)). Stored snapshots would no longer be what a replay gives: raise stateSchema or undo \
                    the change.
                      state.last: recorded -0.0, now nothing
                      state.latest: recorded nothing, now -0.0
                    """
                ) { try checkGolden(RenamedGauge.self, events: Self.events, file: file, record: record) }
            }
            #expect(try Data(contentsOf: file) == before)
        }
    }

    @Test("a raised stateSchema wants a new recording, which keeps the stored events")
    func raised() throws {
        try withRecordedFile { file in
            let before = try String(contentsOf: file, encoding: .utf8)
            let message = """
                stateSchema was raised from 1 to 2, so \(file.path) must be recorded anew. Run this test once with \
                DAYBOOK_RECORD_GOLDEN=1 in the environment (or record: true), look at the file, and commit it.
                """
            expectFailure(.goldenOutdated, message) {
                try checkGolden(RaisedGauge.self, events: Self.events, file: file, record: false)
            }
            expectFailure(.goldenOutdated, message) {
                try checkGolden(RaisedGauge.self, file: file.path, record: false)
            }
            record(RaisedGauge.self, Self.events, file)
            try checkGolden(RaisedGauge.self, events: Self.events, file: file, record: false)
            let events = { (text: String) in
                text.components(separatedBy: "\"events\"")[1].components(separatedBy: "\"state\"")[0]
            }
            #expect(try events(String(contentsOf: file, encoding: .utf8)) == events(before))

            expectFailure(
                .goldenOutdated,
                "\(file.path) was recorded with stateSchema 2, and Gauge declares 1: a stateSchema is only ever raised"
            ) { try checkGolden(Gauge.self, events: Self.events, file: file, record: true) }
        }
    }

    @Test("other events than the file's are shown, and recorded when that is wanted")
    func otherEvents() throws {
        try withRecordedFile { file in
            let fewer = Array(Self.events.prefix(1))
            let failure = try #require(throws: TestFailure.self) {
                try checkGolden(Gauge.self, events: fewer, file: file, record: false)
            }
            #expect(failure.code == .goldenOutdated)
            #expect(
                failure.message.contains(
                    "was recorded from other events than this test gives (- in the file, + in the test)"))
            #expect(failure.message.contains("\n  1 read { \"value\" : 0.1"))
            #expect(failure.message.contains("\n- 2 labelled { "))
            #expect(failure.message.contains("\n- 3 read { \"value\" : -0.0"))
            record(Gauge.self, fewer, file)
            try checkGolden(Gauge.self, events: fewer, file: file, record: false)
        }
    }

    @Test("an event that this program cannot read any more is named")
    func unreadableEvent() throws {
        try withRecordedFile { file in
            let failure = try #require(throws: TestFailure.self) {
                try checkGolden(NarrowGauge.self, file: file.path, record: true)
            }
            #expect(failure.code == .goldenUnreadable)
            #expect(
                failure.message.hasPrefix(
                    "an event that was stored before cannot be read any more (\(file.path)): event 2 of type \"labelled\" in schema 1: "
                ))
        }
        try withRecordedFile { file in
            try replace("\"schema\": 1", by: "\"schema\": 7", in: file)
            expectFailure(.goldenUnreadable) { try checkGolden(Gauge.self, file: file.path, record: true) }
        }
    }

    @Test(
        "old events are read through the upcasters, stay in the file as they were stored, and stand beside the test's of today"
    )
    func upcast() throws {
        try withRecordedFile { file in
            let before = try String(contentsOf: file, encoding: .utf8)
            let events: [UpcastGauge.Event] = [.measured(reading: 0.1, unit: "V"), .measured(reading: -0.0, unit: "V")]
            record(UpcastGauge.self, events, file)
            try checkGolden(UpcastGauge.self, file: file.path, record: false)
            try checkGolden(UpcastGauge.self, events: events, file: file, record: false)
            let after = try String(contentsOf: file, encoding: .utf8)
            #expect(
                after.components(separatedBy: "\"state\"")[0].dropFirst(50).hasSuffix(
                    before.components(separatedBy: "\"events\"")[1].components(separatedBy: "\"state\"")[0]))
            #expect(after.contains("\"unit\": \"V\""))
        }
        try checkDeterminism(of: UpcastGauge.self, events: [.measured(reading: 1, unit: "A")])
        try Scenario(UpcastGauge.self).given(.measured(reading: 1, unit: "A")).when(2).then(
            .measured(reading: 2, unit: "V"))
    }

    // MARK: Missing, damaged, hostile

    @Test("a missing file says how it is recorded")
    func missing() throws {
        try withFile { file in
            expectFailure(
                .goldenMissing,
                """
                there is no golden file \(file.path). Run this test once with DAYBOOK_RECORD_GOLDEN=1 in the \
                environment (or record: true), look at the file, and commit it.
                """
            ) { try checkGolden(Gauge.self, events: Self.events, file: file, record: false) }
            for record in [false, true] {
                expectFailure(
                    .goldenMissing,
                    "there is no golden file \(file.path). A file of old events cannot be recorded anew: restore it, or remove this check."
                ) { try checkGolden(Gauge.self, file: file.path, record: record) }
            }
            #expect(!FileManager.default.fileExists(atPath: file.path))
        }
    }

    @Test("a relative path begins at the folder of the test's source file")
    func relativePath() throws {
        try withRecordedFile { file in
            let source = file.deletingLastPathComponent().deletingLastPathComponent().appending(path: "Tests.swift")
                .path
            try checkGolden(Gauge.self, events: Self.events, file: "sub/gauge.json", record: false, filePath: source)
            try checkGolden(Gauge.self, file: "./sub/gauge.json", record: false, filePath: source)
        }
    }

    @Test("a file of another aggregate is refused")
    func otherAggregate() throws {
        try withRecordedFile { file in
            expectFailure(.goldenUnreadable, "the golden file \(file.path) is of the aggregate type gauge, not loan") {
                try checkGolden(Loan.self, events: [.returned], file: file, record: true)
            }
        }
    }

    @Test(
        "an edited file is refused with the reason",
        arguments: [
            ("\"state\"", "\"status\"", "the file has no field state"),
            ("\"aggregate\": \"gauge\"", "\"aggregate\": 1", "aggregate of the file is not a string"),
            ("\"stateSchema\": 1", "\"stateSchema\": 0", "stateSchema of the file is not a number from 1 on"),
            ("\"stateSchema\": 1", "\"stateSchema\": 1.5", "stateSchema of the file is not a number from 1 on"),
            ("\"stateSchema\": 1", "\"stateSchema\": 99999999999", "stateSchema of the file is not a number from 1 on"),
            ("\"schema\": 1", "\"schema\": \"1\"", "schema of events.0 is not a number from 1 on"),
            ("\"type\": \"read\"", "\"type\": null", "type of events.0 is not a string"),
            ("\"type\": \"read\"", "\"type\": \"read\", \"more\": 1", "events.0 has an unknown field more"),
            ("\"type\": \"read\"", "\"type\": \"read\", \"type\": \"read\"", "events.0 has two fields type"),
            (
                "\"count\": { \"$numberLong\" : \"2\" }", "\"count\": 2",
                "sha256 is not that of state: the file was edited, or damaged"
            ),
            ("\"sha256\": \"", "\"sha256\": \"0", "sha256 is not that of state: the file was edited, or damaged"),
        ])
    func edited(text: String, other: String, reason: String) throws {
        try withRecordedFile { file in
            try replace(text, by: other, in: file)
            expectFailure(
                .goldenUnreadable,
                "the golden file \(file.path) cannot be used: \(reason). Restore it from version control, or delete it and record it anew."
            ) { try checkGolden(Gauge.self, events: Self.events, file: file, record: true) }
        }
    }

    @Test(
        "a text that is no golden file at all is refused without harm",
        arguments: [
            Data(), Data("{}".utf8), Data("[]".utf8), Data([0xFF, 0xFE]), Data("{\"aggregate\": ".utf8),
            Data(count: 100),
            Data((String(repeating: "{\"a\":", count: 100_000) + "1" + String(repeating: "}", count: 100_000)).utf8),
            Data(
                "{\"aggregate\": \"gauge\", \"stateSchema\": 1, \"events\": {}, \"state\": {}, \"sha256\": \"\"}".utf8),
            Data(
                "{\"aggregate\": \"gauge\", \"stateSchema\": 1, \"events\": [1], \"state\": {}, \"sha256\": \"\"}".utf8),
        ])
    func hostile(content: Data) throws {
        try withRecordedFile { file in
            try content.write(to: file)
            let failure = try #require(throws: TestFailure.self) {
                try checkGolden(Gauge.self, events: Self.events, file: file, record: true)
            }
            #expect(failure.code == .goldenUnreadable)
            #expect(failure.message.count < 600)
            #expect(try Data(contentsOf: file) == content)
        }
    }

    @Test("a folder in its place is refused")
    func folder() throws {
        try withRecordedFile { file in
            let folder = file.deletingLastPathComponent()
            expectFailure(.goldenUnreadable, "the golden file \(folder.path) is not a file") {
                try checkGolden(Gauge.self, file: folder.path, record: true)
            }
        }
    }

    @Test("each truncation of a file is refused")
    func truncated() throws {
        try withRecordedFile { file in
            let content = try Data(contentsOf: file)
            for count in stride(from: 0, to: content.count - 2, by: 7) {
                try content.prefix(count).write(to: file)
                expectFailure(.goldenUnreadable) { try checkGolden(Gauge.self, file: file.path, record: false) }
            }
        }
    }
}
