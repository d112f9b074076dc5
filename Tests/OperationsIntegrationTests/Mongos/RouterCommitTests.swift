@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

/// A commit is answered with an error that has no label: the router, or a member that has just become primary, does not
/// know what became of it.
@Suite("An error in answer to a commit", .timeLimit(.minutes(3)))
struct RouterCommitTests {
    /// An error without a label, and what had become of the transaction.
    ///
    /// A new primary that never heard of the transaction answers NoSuchTransaction and, as its no-op is not yet on a
    /// majority, a write concern's error beside it; it leaves the label out then, since the old primary's commit may
    /// come back:
    /// https://github.com/mongodb/mongo/blob/r7.0.0/src/mongo/db/error_labels.cpp, `isTransientTransactionError`.
    /// 83, 90, 133, 202 and 279 are a router's, of a commit whose first sending may have arrived.
    struct Answer: Sendable, CustomTestStringConvertible {
        let code: Int32
        var concern: Int32?
        let work: FaultProxy.Answer.Work
        let became: String

        var testDescription: String { "\(code)\(concern == nil ? "" : " beside a write concern's"), \(became)" }
        var fault: FaultProxy.Fault { .error(code, concern: concern, work: work) }

        static let all = [(Int32(251), Int32?(64)), (83, nil), (90, nil), (133, nil), (202, nil), (279, nil)].flatMap {
            code, concern in
            [("committed", FaultProxy.Answer.Work.everything), ("aborted", .abort), ("open", .nothing)].map {
                Answer(code: code, concern: concern, work: $0.1, became: $0.0)
            }
        }
    }

    @Test(
        "G2: a commit answered with an error is retried until the outcome is definite, and is stored once",
        arguments: JournalPath.inTransactions,
        [true, false])
    func once(path: JournalPath, isOlderServer: Bool) async throws {
        try await withMongos(isOlderServer: isOlderServer) { store, _, proxy, fixture in
            for (index, answer) in Answer.all.enumerated() {
                let write = try path.write(1_000 + index, on: "a-\(index / 2)", in: store, hasID: index % 3 == 0)
                proxy.fail("commitTransaction", answer.fault)
                let report = try await write.run()
                #expect(report == .committed, "\(answer.testDescription)")
                try await expectAgreement([(write, report)], fixture, answer.testDescription)
            }
            #expect(proxy.faults == Answer.all.count)
        }
    }

    @Test(
        "G2: a commit is stored once also when a first sending was executed, or lost, and not answered",
        arguments: JournalPath.inTransactions)
    func afterLoss(path: JournalPath) async throws {
        try await withMongos { store, _, proxy, fixture in
            for (index, answer) in Answer.all.enumerated() where answer.became == "open" {
                let write = try path.write(2_000 + index, on: "b-\(index / 2)", in: store, hasID: false)
                proxy.fail("commitTransaction", index % 4 == 0 ? .dropRequest : .dropReply)
                proxy.fail("commitTransaction", answer.fault, times: 2)
                let report = try await write.run()
                #expect(report == .committed, "\(answer.testDescription)")
                try await expectAgreement([(write, report)], fixture, answer.testDescription)
            }
        }
    }

    @Test(
        "G3: a commit that stays unknown is outcomeUnknown at the deadline, and the same command again takes effect once",
        arguments: JournalPath.inTransactions)
    func deadline(path: JournalPath) async throws {
        try await withMongos(commitTimeout: .milliseconds(200)) { store, _, proxy, fixture in
            for (index, answer) in Answer.all.enumerated() where answer.became != "open" {
                let write = try path.write(3_000 + index, on: "a", in: store)
                proxy.fail("commitTransaction", answer.fault, times: .max)
                let report = try await write.run()
                proxy.heal()
                try await expectAgreement([(write, report)], fixture, answer.testDescription)
                // The documents that are sent again may find the first sending in the journal before that.
                #expect(
                    report == .open || (report == .committed && answer.became == "committed"),
                    "\(answer.testDescription)")
                // Nothing is left open on the server, which would hold up who comes next.
                try await fixture.endSessions(of: proxy)
                #expect(try await write.run() == .committed)
                try await expectAgreement([(write, .committed)], fixture, answer.testDescription)
            }
        }
    }

    @Test(
        "an error with a label or a refusal in it is a definite answer to a commit",
        arguments: JournalPath.inTransactions)
    func definite(path: JournalPath) async throws {
        try await withMongos { store, _, proxy, fixture in
            proxy.fail("commitTransaction", .error(251, labels: ["TransientTransactionError"], work: .abort))
            let again = try path.write(4_000, on: "a", in: store, hasID: false)
            #expect(try await again.run() == .committed)
            #expect(proxy.count("commitTransaction") == 2)
            proxy.fail("commitTransaction", .error(13, work: .abort))
            let refused = try path.write(4_001, on: "a", in: store, hasID: false)
            #expect(try await refused.run() == .failed(.unauthorized))
            try await expectAgreement([(again, .committed), (refused, .failed(.unauthorized))], fixture)
        }
    }

    @Test(
        "an unknown-command error of bulkWrite or of its item makes commits use single commands from then on",
        arguments: [
            FaultProxy.Fault.bulkItem(115), .bulkItem(59), .error(115), .error(59), .error(40415),
        ])
    func noBulkWrite(fault: FaultProxy.Fault) async throws {
        try await withMongos { store, _, proxy, fixture in
            proxy.fail("bulkWrite", fault)
            let writes = try (0..<2).map { try JournalPath.inline.write(5_000 + $0, on: "a", in: store, hasID: false) }
            for write in writes { #expect(try await write.run() == .committed) }
            #expect(proxy.count("bulkWrite") == 1)
            try await expectAgreement(writes.map { ($0, .committed) }, fixture)
            #expect(try await store.verify().isClean)
        }
    }
}
