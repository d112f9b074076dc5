import Daybook
@testable import DaybookAdmin
import DaybookBSON
import Foundation
import IntegrationSupport
import Licensing
import Testing

/// The time that history prints for an event is a time at which the event has happened.
@Suite("The time of an event", .timeLimit(.minutes(3)))
struct TimeOfEventTests {
    @Test("the state as of the printed time of an event has the event, whichever parser read it")
    func everyEvent() async throws {
        try await withPopulation { admin in
            let journal = try await admin.database.documents(in: "journal")
            #expect(journal.count > 73)
            let configuration = DaybookConfiguration(uri: try TestServer.uri, database: admin.database.name)
            try await withDaybook(configuration, aggregates: licensingAggregates) { store in
                for event in journal {
                    guard let id = try event.string(at: "aggregateId").map({ try AggregateID(parsing: $0) }),
                        let version = event.integer(at: "version"), case .datetime(let recorded) = event["recordedAt"]
                    else { throw RawDatabase.NoMatch() }
                    let text = recorded.date.rfc3339
                    let dates = [
                        try #require(Date(rfc3339: text)),
                        try Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)),
                        recorded.date,
                    ]
                    for date in dates {
                        let found = try await Self.version(of: id, at: date, in: store)
                        #expect(found >= version, "\(id) at \(text)")
                        let before = try await Self.version(of: id, at: date.addingTimeInterval(-0.001), in: store)
                        #expect(before < version, "\(id) just before \(text)")
                    }
                }
            }
        }
    }

    private static func version(of id: AggregateID, at date: Date, in store: DaybookStore) async throws -> Int64 {
        switch id.type {
        case License.type: try await store.repository(License.self).load(id.key, at: .date(date)).version
        case Member.type: try await store.repository(Member.self).load(id.key, at: .date(date)).version
        default: try await store.repository(Title.self).load(id.key, at: .date(date)).version
        }
    }

    @Test("show --at and license --as-of with the time that history printed show the version that it printed")
    func commands() async throws {
        try await withPopulation { admin in
            let license = AdminDatabase.license
            let lines = try await admin.daybook("history", license).output.split(separator: "\n").dropFirst()
            #expect(lines.count == 9)
            for line in lines {
                let columns = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
                let (version, time) = (try #require(columns.first), String(try #require(columns.dropFirst().first)))
                let shown = try await admin.licensing("show", license, "--at", time, "--json")
                #expect(shown.output.contains("\"version\" : \(version),"), "\(time): \(shown.output)\(shown.errors)")
                let key = String(license.dropFirst("license/".count))
                let viewed = try await admin.licensing("license", key, "--as-of", time)
                #expect(viewed.output.contains("\"version\" : \(version)"), "\(time): \(viewed.output)\(viewed.errors)")
            }
        }
    }
}
