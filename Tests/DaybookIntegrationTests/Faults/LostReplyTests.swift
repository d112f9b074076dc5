@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// The connection breaks before or after the server got a command. Whatever the library says then, the journal agrees.
@Suite("A lost connection", .timeLimit(.minutes(2)))
struct LostReplyTests {
    /// A command of a commit, and how its connection is lost.
    struct Loss: Sendable, CustomTestStringConvertible {
        let command: String
        let fault: FaultProxy.Fault

        var testDescription: String { "\(fault) of \(command)" }

        static let all = ["find", "bulkWrite", "insert", "update", "commitTransaction"].flatMap { command in
            [Loss(command: command, fault: .dropReply), Loss(command: command, fault: .dropRequest)]
        }

        /// Whether it is part of an inline commit only where there is no `bulkWrite`.
        var isOlderServer: Bool { command == "insert" || command == "update" }
    }

    @Test(
        "a commit that loses one connection on its way succeeds, and is in the journal once (G2)",
        arguments: WritePath.allCases,
        Loss.all)
    func oneLoss(path: WritePath, loss: Loss) async throws {
        // What is kept in memory is not read again, and then no find could be lost.
        try await withFaultyStore(keepsAggregates: loss.command != "find", isOlderServer: loss.isOlderServer) {
            store, proxy, fixture in
            proxy.fail(loss.command, loss.fault)
            let commit = try await path.deposit(2, on: "a", in: store, expecting: 1)
            #expect(proxy.faults == 1)
            try await expectDeposits([1, 2], fixture)
            if let commit {
                let event = try #require(try await fixture.journal().last)
                #expect(commit.id == event.commitID)
                #expect(commit.versions == 2...2)
            }
        }
    }

    @Test(
        "a commit whose reply is lost again and again is reported as the commit that it is",
        arguments: WritePath.allCases)
    func repeatedLoss(path: WritePath) async throws {
        try await withFaultyStore { store, proxy, fixture in
            // More than the driver's own retry takes care of.
            proxy.fail("commitTransaction", .dropReply, times: 3)
            let commit = try await path.deposit(2, on: "a", in: store, expecting: 1)
            #expect(proxy.faults == 3)
            try await expectDeposits([1, 2], fixture)
            if let commit { #expect(commit.id == (try await fixture.journal().last?.commitID)) }
        }
    }

    @Test("a commit that the server never hears of is tried until it does", arguments: WritePath.allCases)
    func repeatedLossBefore(path: WritePath) async throws {
        try await withFaultyStore { store, proxy, fixture in
            proxy.fail("commitTransaction", .dropRequest, times: 3)
            let commit = try await path.deposit(2, on: "a", in: store, expecting: 1)
            #expect(proxy.faults == 3)
            try await expectDeposits([1, 2], fixture)
            if let commit { #expect(commit.id == (try await fixture.journal().last?.commitID)) }
        }
    }

    @Test(
        "G3: an unanswered commit is outcomeUnknown at the deadline, and repeating its command takes effect once",
        arguments: [FaultProxy.Fault.dropReply, .dropRequest], WritePath.allCases)
    func deadline(fault: FaultProxy.Fault, path: WritePath) async throws {
        try await withFaultyStore(commitTimeout: .milliseconds(300)) { store, proxy, fixture in
            proxy.fail("commitTransaction", fault, times: .max)
            let error = try await daybookError {
                _ = try await path.deposit(2, on: "a", in: store, expecting: 1, commandID: "c-2")
            }
            #expect(error?.code == .outcomeUnknown)
            #expect(error?.aggregateID == "account/a")
            #expect(error?.version == 2)
            let landed = try await fixture.journal().count == 2
            // The server did what it was told, or has never been told.
            #expect(landed == (fault == .dropReply))

            proxy.heal()
            // A server that never heard of the commit keeps its transaction open for a minute. Until then others lose
            // against it.
            try await fixture.endSessions(of: proxy)
            let commit = try await path.deposit(2, on: "a", in: store, expecting: 1, commandID: "c-2")
            try await expectDeposits([1, 2], fixture)
            if let commit { #expect(commit.versions == 2...2) }
        }
    }

    @Test(
        "a commit that arrives after its client gave up on the connection takes effect once",
        arguments: WritePath.allCases)
    func lateCommit(path: WritePath) async throws {
        try await withFaultyStore(["socketTimeoutMS=1000"]) { store, proxy, fixture in
            proxy.fail("commitTransaction", .hold)
            let commit = try await path.deposit(2, on: "a", in: store, expecting: 1)
            #expect(proxy.held == 1)
            try await expectDeposits([1, 2], fixture)
            await proxy.release()
            #expect(proxy.held == 0)
            try await expectDeposits([1, 2], fixture)
            if let commit { #expect(commit.id == (try await fixture.journal().last?.commitID)) }
        }
    }

    @Test(
        "G1: a rival that came first while the outcome was open is a conflict, not a commit",
        arguments: WritePath.allCases)
    func rival(path: WritePath) async throws {
        try await withFaultyStore { store, proxy, fixture in
            // NoSuchTransaction without a label says nothing of the commit: it is sent again, until the proxy is healed.
            proxy.fail("commitTransaction", .error(251, concern: 64, work: .abort), times: .max)
            let open = Task { try await path.deposit(2, on: "a", in: store, expecting: 1) }
            try #require(await eventually("the commit is not answered") { proxy.faults >= 1 })
            try await withDaybook(DaybookConfiguration(uri: TestServer.uri, database: fixture.database)) { other in
                _ = try await other.repository(Account.self).execute(.deposit(9), on: "a")
            }
            proxy.heal()
            let error = try await daybookError {
                if let commit = try await open.value { #expect(commit.versions == 3...3) }
            }
            #expect(error?.code == (path == .append ? .conflict : nil))
            try await expectDeposits(path == .append ? [1, 9] : [1, 9, 2], fixture)
        }
    }

    @Test(
        "an insert that arrives after its transaction was given up takes no effect", arguments: WritePath.allCases,
        ["bulkWrite", "insert"])
    func lateInsert(path: WritePath, command: String) async throws {
        try await withFaultyStore(["socketTimeoutMS=1000"], isOlderServer: command == "insert") {
            store, proxy, fixture in
            proxy.fail(command, .hold)
            try await path.deposit(2, on: "a", in: store, expecting: 1).map { #expect($0.versions == 2...2) }
            #expect(proxy.held == 1)
            await proxy.release()
            #expect(proxy.held == 0)
            try await expectDeposits([1, 2], fixture)
        }
    }

    @Test("a transaction over several aggregates whose commit's reply is lost is whole (G2)")
    func severalAggregates() async throws {
        try await withFaultyStore { store, proxy, fixture in
            proxy.fail("commitTransaction", .dropReply, times: 3)
            try await store.transaction { transaction in
                try await transaction.execute(.deposit(2), on: "a", of: Account.self)
                try await transaction.execute(.depositEach([3, 4]), on: "b", of: Account.self)
            }
            #expect(proxy.faults == 3)
            try await expectDeposits([1, 2], on: "a", fixture)
            try await expectDeposits([3, 4], on: "b", fixture)
            #expect(Set(try await fixture.journal().suffix(3).map(\.commitID)).count == 1)
        }
    }

    @Test("a lost reply does not run a closure twice that has commands with and without an id (G3)")
    func mixedCommandIDs() async throws {
        try await withFaultyStore { store, proxy, fixture in
            proxy.fail("commitTransaction", .dropReply, times: 3)
            try await store.transaction { transaction in
                try await transaction.execute(.deposit(2), on: "a", of: Account.self, commandID: "c-1")
                try await transaction.execute(.deposit(3), on: "b", of: Account.self)
            }
            #expect(proxy.faults == 3)
            try await expectDeposits([1, 2], on: "a", fixture)
            try await expectDeposits([3], on: "b", fixture)
        }
    }

    @Test(
        "a rejection whose abort is lost is still the rejection, and writes nothing",
        arguments: [FaultProxy.Fault.dropReply, .dropRequest])
    func lostAbort(fault: FaultProxy.Fault) async throws {
        try await withFaultyStore { store, proxy, fixture in
            proxy.fail("abortTransaction", fault)
            await #expect(throws: Account.Rejection.insufficient(balance: 1)) {
                try await store.transaction { transaction in
                    try await transaction.execute(.deposit(5), on: "b", of: Account.self)
                    try await transaction.execute(.withdraw(9), on: "a", of: Account.self)
                }
            }
            #expect(proxy.faults == 1)
            try await expectDeposits([1], on: "a", fixture)
            try await expectDeposits([], on: "b", fixture)
            // The connection is as good as new.
            try await store.repository(Account.self).execute(.deposit(2), on: "a")
            try await expectDeposits([1, 2], on: "a", fixture)
        }
    }

    @Test(
        "a command that only reads is repeated once after a lost connection",
        arguments: [FaultProxy.Fault.dropReply, .dropRequest])
    func lossOfQuestions(fault: FaultProxy.Fault) async throws {
        try await withFaultyStore { store, proxy, fixture in
            for command in ["listCollections", "listIndexes", "count"] {
                proxy.fail(command, fault)
                _ = try await store.client.withConnection(.single) { connection in
                    switch command {
                    case "listCollections": try connection.collections(named: ["journal"], in: fixture.database)
                    case "listIndexes": try connection.indexes(of: store.journal.namespace)
                    default: [try connection.read(["count": "journal"], database: fixture.database)]
                    }
                }
            }
            #expect(proxy.faults == 3)
        }
    }

    @Test("a conflict stays a conflict when the connection is lost on the way to it")
    func lossAndConflict() async throws {
        try await withFaultyStore { store, proxy, fixture in
            proxy.fail("find", .dropReply)
            let error = try await daybookError {
                try await store.repository(Account.self).append([.deposited(amount: 9)], to: "a", expecting: 0)
            }
            #expect(error?.code == .conflict)
            #expect(error?.version == 1)
            #expect(proxy.faults == 1)
            try await expectDeposits([1], fixture)
        }
    }
}
