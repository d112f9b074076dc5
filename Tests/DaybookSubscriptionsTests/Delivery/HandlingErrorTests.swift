@testable import Daybook
import DaybookMongo
@testable import DaybookSubscriptions
import Testing

@Suite("How an error of a handler is taken")
struct HandlingErrorTests {
    private struct Failure: Error {}

    private func wrapped(_ error: MongoError) -> DaybookError { DaybookError(.server, "it failed", underlying: error) }

    @Test("an event that this program does not know, or that is damaged, is not tried again")
    func permanent() {
        for code in [.unknownEvent, .unreadableEvent, .damagedJournal] as [DaybookError.Code] {
            #expect(HandlingError.isPermanent(DaybookError(code, "")))
        }
        for error in [Failure(), DaybookError(.server, ""), MongoError(.network, "")] as [any Error] {
            #expect(!HandlingError.isPermanent(error))
        }
    }

    @Test("a lost race is one of the transaction, which is run again, also where a handler's call has wrapped it")
    func transaction() {
        var commit = MongoError(.server, "")
        commit.phase = .commit
        for error in [MongoError(.writeConflict, ""), commit] {
            #expect(HandlingError.isOfTransaction(error))
            #expect(HandlingError.isOfTransaction(wrapped(error)))
        }
        #expect(HandlingError.isOfTransaction(PostingConflict()))
        #expect(!HandlingError.isOfTransaction(Failure()))
        #expect(!HandlingError.isOfTransaction(MongoError(.server, "")))
        #expect(!HandlingError.isOfTransaction(PartitionsLost()))
    }

    @Test("a server that is away, or that refuses a right, is no event's fault")
    func server() {
        for code in [.network, .noServer, .timedOut, .unauthorized, .authenticationFailed, .poolExhausted]
            as [MongoError.Code]
        {
            #expect(HandlingError.isOfTheServer(MongoError(code, "")), "\(code)")
            #expect(HandlingError.isOfTheServer(wrapped(MongoError(code, ""))), "\(code)")
        }
        for error in [Failure(), MongoError(.tooLarge, ""), MongoError(.duplicateKey, ""), MongoError(.server, "")]
            as [any Error]
        {
            #expect(!HandlingError.isOfTheServer(error), "\(error)")
        }
    }

    @Test("lost partitions, a closed store and the delivery's own cancellation end its work; a handler's does not")
    func ends() async {
        #expect(HandlingError.endsWork(PartitionsLost()))
        #expect(HandlingError.endsWork(DaybookError(.closed, "")))
        #expect(HandlingError.endsWork(MongoError(.closed, "")))
        #expect(HandlingError.endsWork(wrapped(MongoError(.closed, ""))))
        #expect(!HandlingError.endsWork(Failure()))
        #expect(!HandlingError.endsWork(MongoError(.network, "")))
        #expect(!HandlingError.endsWork(CancellationError()))
        let cancelled = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return HandlingError.endsWork(CancellationError())
        }
        #expect(await cancelled.value)
    }

    @Test("is tried four times, after growing pauses, before its aggregate is parked")
    func pauses() {
        #expect(HandlingError.pauses.count == 3)
        #expect(HandlingError.pauses == HandlingError.pauses.sorted())
    }
}
