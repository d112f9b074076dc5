package import DaybookBSON
internal import Synchronization

/// A replica set of one member behind a ``FaultProxy``, whose primary a test can make step down and come back.
///
/// A driver that connects with `replicaSet` and without `directConnection` knows the proxy as the only member.
package final class Election: Disguise {
    private struct State {
        var isUnderWay = false
        var refusals = 0
    }

    private let state = Mutex(State())
    /// What the member says of itself meanwhile: 10107 NotWritablePrimary, 11600 InterruptedAtShutdown and the like.
    private let code: Int32

    package init(code: Int32 = 10107) {
        self.code = code
    }

    /// Ends every connection, and from now on everything but a hello is refused: there is no primary.
    package func begin(on proxy: FaultProxy) {
        state.withLock { ($0.isUnderWay, $0.refusals) = (true, 0) }
        proxy.closeConnections()
    }

    /// There is a primary again.
    package func end() {
        state.withLock { $0.isUnderWay = false }
    }

    /// How often the member said since ``begin(on:)`` that it is no primary: by a refusal, or in answer to a hello.
    package var refusals: Int { state.withLock { $0.refusals } }

    package func answer(to exchange: FaultProxy.Exchange) -> BSONDocument? {
        guard !exchange.isHello, !exchange.authenticates, countedIfUnderWay() else { return nil }
        return .failure(code, labels: Self.labels(exchange))
    }

    package func reply(_ reply: BSONDocument, to exchange: FaultProxy.Exchange, through port: UInt16) -> BSONDocument {
        guard exchange.isHello else { return reply }
        let address = BSONValue.string("127.0.0.1:\(port)")
        var fields: [(String, BSONValue?)] = [
            ("hosts", [address]), ("me", address), ("primary", address), ("topologyVersion", nil),
        ]
        if countedIfUnderWay() {
            fields += [
                ("ismaster", false), ("isWritablePrimary", false), ("secondary", true), ("primary", nil),
                ("electionId", nil),
            ]
        }
        return fields.reduce(reply) { (try? $0.setting($1.0, to: $1.1)) ?? $0 }
    }

    private func countedIfUnderWay() -> Bool {
        state.withLock { state in
            if state.isUnderWay { state.refusals += 1 }
            return state.isUnderWay
        }
    }

    /// The labels that a mongod puts on such an error:
    /// https://github.com/mongodb/mongo/blob/r7.0.0/src/mongo/db/error_labels.cpp
    private static func labels(_ exchange: FaultProxy.Exchange) -> [String] {
        let endsTransaction = ["commitTransaction", "abortTransaction"].contains(exchange.command)
        if exchange.isInTransaction, !endsTransaction { return ["TransientTransactionError"] }
        // A retryable write, or the end of a transaction.
        if exchange.request["txnNumber"] != nil { return ["RetryableWriteError"] }
        return exchange.isOfStream ? ["ResumableChangeStreamError"] : []
    }
}

extension FaultProxy.Exchange {
    fileprivate var authenticates: Bool { ["saslStart", "saslContinue", "authenticate"].contains(command) }

    /// Whether it opens a change stream, or may be a batch of one.
    fileprivate var isOfStream: Bool {
        command == "getMore" || request.documents(at: "pipeline").first?["$changeStream"] != nil
    }
}
