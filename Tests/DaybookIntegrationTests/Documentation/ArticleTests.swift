import Daybook
import DaybookBSON
import DaybookOperations
import DaybookSubscriptions
import DaybookTesting
import Foundation
import IntegrationSupport
import Logging
import ServiceLifecycle
import Testing
import UnixSignals

// The code of the articles Evolving events, Lifecycles, DaybookOperations and DaybookTesting, as it stands there.

struct Session: Aggregate {
    enum Event: Codable, Sendable {
        case started
        case renewed(until: Date)
        case over
    }

    enum Command: Sendable { case start, end }
    enum Rejection: Error {}

    struct RenewedForDays: Codable { let at: Date, days: Int }
    struct Renewed: Codable { let until: Date }

    static let type: AggregateType = "session"
    static let lifecycle = Lifecycle.async
    static let stateSchema: Int32 = 2
    static let upcasters: [Upcaster] = [
        // Schema 1 stored days, schema 2 stores a date.
        .transform("renewed", from: 1) { (old: RenewedForDays) in
            Renewed(until: old.at.addingTimeInterval(Double(old.days) * 86_400))
        },
        .rename("extended", to: "renewed"),
        .retire("pinged"),
    ]
    static let correctionUpcasters: [CorrectionUpcaster] = [.unchanged(from: 1)]
    static let keepsSnapshot: (@Sendable (Session) -> Bool)? = { !$0.isOver }

    var name = ""
    var isOver = false
    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .started: isOver = false
        case .renewed: break
        case .over: isOver = true
        }
    }

    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        switch command {
        case .start: [.started]
        case .end: isOver ? [] : [.over]
        }
    }
}

@Suite("The code of the articles") struct ArticleTests {
    @Test("Lifecycles: a service runs the store, and a reader waits for the snapshot of a commit")
    func lifecycles() async throws {
        let uri = try TestServer.uri
        try await withTemporaryStore(uri: uri, aggregates: [Session.self]) { keeper in
            let configuration = DaybookConfiguration(uri: uri, database: keeper.database)
            let sessions = keeper.repository(Session.self)
            let commit = try await sessions.execute(.start, on: "s-1")
            if let commit { try await sessions.waitForSnapshot(of: commit) }
            #expect(try await keeper.raw.document(in: "snapshots.session", id: "session/s-1") != nil)

            let run = Task { try await serve(configuration) }
            run.cancel()
            try? await run.value
        }
    }

    private func serve(_ configuration: DaybookConfiguration) async throws {
        let logger = Logger(label: "articles")
        let server = Server()
        let store = try DaybookStore(configuration, aggregates: [Session.self])
        try await ServiceGroup(services: [store, server], gracefulShutdownSignals: [.sigterm], logger: logger).run()
    }

    private struct Server: Service {
        func run() async throws { try await gracefulShutdown() }
    }

    @Test("Evolving events: a correction puts one state right")
    func corrections() async throws {
        let uri = try TestServer.uri
        try await withTemporaryStore(uri: uri, aggregates: [Membership.self]) { store in
            let members = store.repository(Membership.self)
            try await members.execute(.join(name: "Ada Lovelance"), on: "m-1")
            try await members.correct(
                "m-1", patch: ["name": "Ada Lovelace"], reason: "misspelt at the counter", actor: "clerk-7")
            #expect(try await members.load("m-1").state.name == "Ada Lovelace")
        }
    }

    @Test("DaybookOperations: what was dropped is found and put back")
    func operations() async throws {
        typealias License = Membership
        typealias Member = Session
        let uri = try TestServer.uri
        try await withTemporaryStore(uri: uri, aggregates: [License.self, Member.self]) { keeper in
            try await keeper.repository(License.self).execute(.join(name: "Ada"), on: "m-1")
            try await keeper.raw.delete(["_id": "membership/m-1"], from: "snapshots.membership")
            let configuration = DaybookConfiguration(uri: uri, database: keeper.database)
            let store = try DaybookStore(configuration, aggregates: [License.self, Member.self])
            let report = try await store.verify()
            for finding in report.findings { print(finding.aggregateID, finding.kind, finding.detail) }
            if !report.isClean { _ = try await store.patch() }
            #expect(report.counts == [.missing: 1])
            #expect(try await store.verify().isClean)
            await store.close()
        }
    }

    @Test("DaybookSubscriptions: a projection is read after a write")
    func subscriptions() async throws {
        let uri = try TestServer.uri
        try await withTemporaryStore(uri: uri, aggregates: [Loan.self]) { keeper in
            let configuration = DaybookConfiguration(uri: uri, database: keeper.database)
            let store = try DaybookStore(
                configuration, aggregates: [Loan.self], subscriptions: [.projection(Borrowing.self)])
            try await store.initialize()
            let run = Task {
                try await store.run()
            }
            let borrowing = store.view(Borrowing.self)
            let commit = try await store.repository(Loan.self).execute(.lend(member: "m-1"), on: "copy-1")
            if let commit { try await borrowing.wait(for: commit, timeout: .seconds(30)) }
            if let commit { try await borrowing.wait(for: commit) }
            let page = try await borrowing.page(where: \.loans >= 1, sort: [.descending(\.loans)])
            #expect(page.items.map(\.key) == ["m-1"])
            run.cancel()
            try await run.value
        }
    }

    @Test("a renewal is seen by queries") func query() async throws {
        let clock = SimulatedClock()
        try await withTemporaryStore(aggregates: [Loan.self], configure: { $0.clock = clock.commitClock }) { store in
            let loans = store.repository(Loan.self)
            try await loans.execute(.lend(member: "m-1"), on: "copy-1")
            clock.advance(by: .seconds(86_400))
            #expect(try await loans.load("copy-1").state.member == "m-1")
        }
    }
}
