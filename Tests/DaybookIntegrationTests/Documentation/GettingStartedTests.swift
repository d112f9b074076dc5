import Daybook
import DaybookTesting
import Foundation
import IntegrationSupport
import Testing

// The code of the article Getting started, as it stands there.

struct Membership: Aggregate {
    enum Event: Codable, Sendable {
        case joined(name: String, until: Date)
        case renewed(until: Date)
        case left(reason: String)
    }

    enum Command: Codable, Sendable {
        case join(name: String)
        case renew
        case leave(reason: String)
    }

    enum Rejection: Error, Equatable {
        case alreadyAMember, notAMember
        case renewedTooOften(limit: Int)
    }

    enum Status: String, Codable, Sendable { case none, active, left }

    static let type: AggregateType = "membership"
    static let fields: [Field<Membership>] = [
        Field("status", \.status, indexed: true), Field("until", \.until), Field("renewals", \.renewals),
    ]

    var name = ""
    var status = Status.none
    var until: Date?
    var renewals = 0

    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .joined(let name, let until): (self.name, self.until, status) = (name, until, .active)
        case .renewed(let until): (self.until, renewals) = (until, renewals + 1)
        case .left: (status, until) = (.left, nil)
        }
    }

    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        switch command {
        case .join(let name):
            guard status != .active else { throw .alreadyAMember }
            return [.joined(name: name, until: now + 365 * 86_400)]
        case .renew:
            guard status == .active, let until else { throw .notAMember }
            guard renewals < 3 else { throw .renewedTooOften(limit: 3) }
            return [.renewed(until: until + 365 * 86_400)]
        case .leave(let reason):
            guard status == .active else { throw .notAMember }
            return [.left(reason: reason)]
        }
    }
}

@Suite("Getting started") struct GettingStartedTests {
    @Test("the article's code does what the article says")
    func article() async throws {
        let uri = try TestServer.uri
        try await withTemporaryStore(uri: uri, aggregates: []) { keeper in
            let database = keeper.database
            let store = try DaybookStore(
                DaybookConfiguration(uri: uri, database: database), aggregates: [Membership.self])
            try await store.initialize()
            let members = store.repository(Membership.self)

            let commit = try await members.execute(.join(name: "Ada"), on: "m-1", commandID: "request-1")
            try await members.execute(.renew, on: "m-1")

            #expect(commit?.version == 1)

            do {
                try await members.execute(.join(name: "Ada"), on: "m-1")
            } catch Membership.Rejection.alreadyAMember {
                print("Ada is a member already")
            }

            let now = try await members.load("m-1")
            print(now.version, now.state.renewals)

            let before = try await members.load("m-1", at: .version(1))
            for try await event in try members.history("m-1") {
                print(event.version, event.type, event.recordedAt)
            }

            let due = members.query(
                where: \.status == .active && \.renewals < 3, sort: [.ascending(\.until)], limit: 50)
            for try await member in due {
                print(member.id.key, member.state.name)
            }

            #expect(now.version == 2)
            #expect(before.version == 1)

            try await store.transaction { tx in
                try await tx.execute(.leave(reason: "moved"), on: "m-1", of: Membership.self)
                try await tx.execute(.join(name: "Grace"), on: "m-2", of: Membership.self)
            }

            #expect(try await members.load("m-1").state.status == .left)
            #expect(try await members.load("m-2").state.name == "Grace")
            await store.close()
        }
    }

    @Test("the rules of the article's aggregate hold without a database")
    func rules() throws {
        let now = SimulatedClock.start
        try Scenario(Membership.self)
            .given(.joined(name: "Ada", until: now))
            .when(.renew, at: now).then(.renewed(until: now + 365 * 86_400))
            .when(.join(name: "Ada")).thenRejected(.alreadyAMember)
            .when(.leave(reason: "moved")).then(.left(reason: "moved"))
            .when(.renew).thenRejected(.notAMember)
    }
}
