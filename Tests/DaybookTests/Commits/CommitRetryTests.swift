@testable import Daybook
import DaybookMongo
import Testing

@Suite("CommitRetry")
struct CommitRetryTests {
    private let inTime = CommitRetry(until: .now + .seconds(1_000))
    private let late = CommitRetry(until: .now - .seconds(1))

    private func id() throws -> AggregateID { try AggregateID("parcel", key: "P-1") }

    private func error(_ retry: CommitRetry, _ outcome: CommitOutcome) throws -> (any Error)? {
        let id = try id()
        return #expect(throws: (any Error).self) { try retry.requireTime(after: outcome, of: id) }
    }

    @Test("in time, a commit of which nothing took effect, or whose command id was used, is decided again")
    func inTimeAgain() throws {
        for code in [MongoError.Code.writeConflict, .duplicateKey, .network] {
            try inTime.requireTime(after: .aborted(MongoError(code, "")), of: id())
        }
        try inTime.requireTime(after: .duplicateCommand(MongoError(.duplicateKey, "")), of: id())
    }

    @Test("a failure and an unknown outcome end the attempts at any time, and a success never fails")
    func final() throws {
        for retry in [inTime, late] {
            try retry.requireTime(after: .committed, of: id())
            #expect(try error(retry, .failed(CancellationError())) is CancellationError)
            #expect(try error(retry, .unknown(CancellationError())) is CancellationError)
        }
    }

    @Test("at the deadline rivals are a conflict, a used command id is an unknown outcome, and another fault is itself")
    func deadline() throws {
        for code in [MongoError.Code.writeConflict, .duplicateKey] {
            let conflict = try error(late, .aborted(MongoError(code, ""))) as? DaybookError
            #expect(conflict?.code == .conflict && conflict?.aggregateID == "parcel/P-1")
        }
        let used = try error(late, .duplicateCommand(MongoError(.duplicateKey, ""))) as? DaybookError
        #expect(used?.code == .outcomeUnknown && used?.aggregateID == "parcel/P-1")
        #expect((try error(late, .aborted(MongoError(.network, ""))) as? MongoError)?.code == .network)
    }
}
