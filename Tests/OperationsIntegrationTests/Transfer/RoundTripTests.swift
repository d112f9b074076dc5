@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("A journal that moves", .timeLimit(.minutes(3)))
struct RoundTripTests {
    @Test(
        "a moved journal arrives to the byte: every type, unicode ids, corrections, metadata, commits of several aggregates, unknown types"
    )
    func whole() async throws {
        try await TransferFixture.run { source in
            try await source.fill()
            let journal = try await source.journal()
            let (report, text) = try await source.export()
            #expect(report.events == journal.count && report.faults == 0 && report.bytes == Int64(text.count))
            #expect(report.aggregates == 11)
            #expect(report.eventsAsBytes >= 1)
            #expect(text.split(separator: UInt8(ascii: "\n")).count == journal.count)
            try await TransferFixture.run { target in
                let rebuilt = Recorder<ImportedAggregates>()
                let first = try await target.import(text, rebuilding: rebuilt)
                #expect(first.events == journal.count && first.skippedEvents == 0 && first.aggregates == 11)
                #expect(first.unknownTypes == ["relic"])
                #expect(try await target.journal() == journal)
                // Meters keep no snapshots.
                #expect(rebuilt.all.first?.types == ["account", "notebook", "tally"])
                #expect(rebuilt.all.first?.ids.count == 9)
                #expect(try await target.export().text == text)
                #expect(try await target.store.repository(Account.self).load("a").state.balance == 7)
                // Again: nothing is left to do but the snapshots, which the first run may not have come to.
                let second = try await target.import(text, rebuilding: rebuilt)
                #expect(second.events == 0 && second.skippedEvents == journal.count)
                #expect(rebuilt.all.count == 2 && rebuilt.all.last == rebuilt.all.first)
                #expect(try await target.journal() == journal)
                // And commits go on behind it; the next export continues the source.
                try await target.store.repository(Account.self).execute(.deposit(1), on: "a", commandID: "c-3")
                let back = try await source.import(try await target.export().text)
                #expect(back.events == 1 && back.skippedEvents == journal.count)
                #expect(try await source.journal() == target.journal())
            }
        }
    }

    @Test("a journal is exported by types, in the order of ids, whether the program knows them or not")
    func types() async throws {
        try await TransferFixture.run(knowing: []) { source in
            try await source.store.raw.insert(
                [
                    TransferFixture.event("a/1", 1), TransferFixture.event("a-b/1", 1),
                    TransferFixture.event("a0/1", 1),
                    TransferFixture.event("b/1", 1),
                ], into: "journal")
            let all = try await source.export()
            #expect(all.report.events == 4)
            // A type that neither the program nor the journal knows is mistyped, and an export without its events would
            // look whole.
            let mistyped = try await daybookError { _ = try await source.export(types: ["a", "none"]) }
            #expect(mistyped?.code == .invalidArgument && mistyped?.message.contains("\"none\"") == true)
            let (report, text) = try await source.export(types: ["a", "a-b", "a"])
            #expect(report.events == 2 && report.aggregates == 2 && report.emptyTypes.isEmpty)
            let ids = try text.split(separator: UInt8(ascii: "\n")).map {
                try ExportLine.document(of: String(decoding: $0, as: UTF8.self)).string(at: "aggregateId")
            }
            #expect(ids == ["a-b/1", "a/1"])
            #expect(all.text.starts(with: text))
            let imported = try await source.import(all.text)
            #expect(imported.unknownTypes == ["a", "a-b", "a0", "b"] && imported.skippedEvents == 4)
        }
    }

    @Test("an export of an empty journal is empty, and importing it does nothing")
    func empty() async throws {
        try await TransferFixture.run { source in
            let (report, text) = try await source.export()
            #expect(report == ExportReport() && text.isEmpty)
            let rebuilt = Recorder<ImportedAggregates>()
            #expect(try await source.import([], rebuilding: rebuilt) == ImportReport())
            #expect(rebuilt.all.isEmpty)
        }
    }

    @Test("a damaged journal is exported too, and what an import would refuse is reported by its line")
    func damaged() async throws {
        try await TransferFixture.run { source in
            try await source.store.raw.insert(
                [
                    TransferFixture.event("relic/1", 1), TransferFixture.event("relic/1", 3),
                    TransferFixture.event("relic/2", 2),
                    TransferFixture.event("relic/3", 1),
                ], into: "journal")
            let (report, text) = try await source.export()
            #expect(report.events == 4 && report.faults == 2)
            #expect(
                report.firstFault == "line 2 (relic/1 at version 3): there is a gap: version 2 is missing before it")
            try await TransferFixture.run { target in
                let error = try await daybookError { try await target.import(text) }
                #expect(error?.message.hasPrefix("line 2: there is a gap: version 2 is missing before it") == true)
                #expect(try await target.journal().count == 1)
            }
        }
    }

    @Test("many large events are held a few at a time, and many aggregates are rebuilt as types")
    func many() async throws {
        try await TransferFixture.run { source in
            let text = String(repeating: "x", count: 600_000)
            var lines: [String] = []
            for number in 1...1_100 {
                lines.append(try TransferFixture.line(try TransferFixture.event("account/\(number)", 1)))
            }
            for version in 1...40 {
                lines.append(
                    try TransferFixture.line(
                        try TransferFixture.event("relic/1", Int64(version), data: ["t": .string(text)])))
            }
            let rebuilt = Recorder<ImportedAggregates>()
            let report = try await source.import(Array(lines.joined(separator: "\n").utf8), rebuilding: rebuilt)
            #expect(report.events == 1_140 && report.aggregates == 1_101)
            #expect(rebuilt.all == [ImportedAggregates(types: ["account"], ids: [])])
            #expect(try await source.export().report.events == 1_140)
        }
    }
}
