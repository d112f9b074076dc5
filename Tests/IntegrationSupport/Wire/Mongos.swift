package import DaybookBSON
internal import Synchronization

/// A router of a sharded cluster, made of the one server behind a ``FaultProxy``.
///
/// A driver that connects without `directConnection` sees a sharded cluster: `hello` has `msg: "isdbgrid"` and names no
/// replica set, and what belongs to a transaction is answered with a `recoveryToken`, which comes back with the commit.
/// Beyond that a test makes a shard fall silent (``chill()``) or a commit half visible (``hide(_:in:)``);
/// ``FaultProxy/Fault/lostShard(_:after:holding:)`` loses a shard's answer.
///
/// https://github.com/mongodb/specifications/blob/master/source/transactions/transactions.md#recoverytoken
package final class Mongos: Disguise {
    private struct Stream {
        /// Events of the other shards that wait for the cold one.
        var held: [BSONValue] = []
        /// Where the client was told that the stream is.
        var token: BSONValue?
    }

    private struct State {
        var isCold = false
        var emptyBatches = 0
        var streams: [Int64: Stream] = [:]
        var hidden: [String: [BSONDocument]] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    // MARK: What a test makes of it

    /// Makes one shard fall silent: from now on change streams give no event, because that shard might still have an
    /// earlier one, and come back empty after each wait.
    ///
    /// A real shard without writes ends that by its no-op, which it writes every 10 seconds
    /// (`periodicNoopIntervalSecs`), so that some twenty batches of a stream that waits for 500 ms are empty. Here
    /// ``warm()`` ends it, and a test counts ``emptyBatches`` in place of time.
    ///
    /// https://www.mongodb.com/docs/manual/administration/change-streams-production-recommendations/#sharded-clusters
    package func chill() {
        state.withLock { ($0.isCold, $0.emptyBatches) = (true, 0) }
    }

    /// The silent shard has written its no-op: what was held comes with the next batch.
    package func warm() {
        state.withLock { $0.isCold = false }
    }

    /// How many batches that were held back, or had nothing to hold back, went out since ``chill()``.
    package var emptyBatches: Int { state.withLock { $0.emptyBatches } }

    /// How many events are held back now.
    package var heldEvents: Int { state.withLock { state in state.streams.values.reduce(0) { $0 + $1.held.count } } }

    /// Hides what matches `filter` from reads outside transactions that are not of snapshot concern, as the part of a
    /// commit over two shards is hidden whose shard has prepared it and not yet heard that it is committed. A read
    /// inside a transaction would wait for that, and so sees it; a write finds it.
    ///
    /// https://www.mongodb.com/docs/manual/core/read-isolation-consistency-recency/#read-uncommitted-and-multi-document-transactions
    package func hide(_ filter: BSONDocument, in collection: String) {
        state.withLock { $0.hidden[collection, default: []].append(filter) }
    }

    /// The commits have arrived on every shard.
    package func show() {
        state.withLock { $0.hidden = [:] }
    }

    // MARK: Disguise

    package func request(_ exchange: FaultProxy.Exchange) -> BSONDocument {
        let request = exchange.request
        // The server behind is no router, and would not know it.
        if request["recoveryToken"] != nil { return (try? request.setting("recoveryToken", to: nil)) ?? request }
        guard !exchange.isInTransaction, !exchange.readsSnapshot,
            case .string(let collection)? = request[exchange.command],
            let hidden = state.withLock({ $0.hidden[collection] })
        else { return request }
        let visible: BSONValue = ["$nor": .array(hidden.map { .document($0) })]
        switch exchange.command {
        case "find", "count":
            let key = exchange.command == "find" ? "filter" : "query"
            return (try? request.setting(key, to: ["$and": [request[key] ?? [:], visible]])) ?? request
        case "aggregate":
            guard !exchange.opensStream, case .array(let stages)? = request["pipeline"] else { return request }
            return (try? request.setting("pipeline", to: .array([["$match": visible]] + stages))) ?? request
        default: return request
        }
    }

    package func reply(_ reply: BSONDocument, to exchange: FaultProxy.Exchange, through port: UInt16) -> BSONDocument {
        if exchange.isHello { return Self.router(reply) }
        if exchange.isInTransaction {
            return (try? reply.setting("recoveryToken", to: ["recoveryShardId": "shard-1"])) ?? reply
        }
        return merged(reply, of: exchange)
    }

    /// What a router says of itself: https://www.mongodb.com/docs/manual/reference/command/hello/
    private static func router(_ hello: BSONDocument) -> BSONDocument {
        let ofReplicaSets = [
            "setName", "setVersion", "hosts", "passives", "arbiters", "primary", "me", "electionId", "lastWrite",
            "secondary",
            // Without it the driver asks each time, and is not sent states that it has not asked for.
            "topologyVersion",
        ]
        let router = ofReplicaSets.reduce(hello) { (try? $0.setting($1, to: nil)) ?? $0 }
        return (try? router.setting("msg", to: "isdbgrid")) ?? router
    }

    /// A batch of a change stream, without what waits for a cold shard, and with what has waited.
    private func merged(_ reply: BSONDocument, of exchange: FaultProxy.Exchange) -> BSONDocument {
        guard case .document(let cursor)? = reply["cursor"], let id = cursor.integer(at: "id") else { return reply }
        let key = exchange.opensStream ? "firstBatch" : "nextBatch"
        guard case .array(let events)? = cursor[key], let token = cursor["postBatchResumeToken"] else { return reply }
        let shownPart = state.withLock { state -> (batch: [BSONValue], token: BSONValue)? in
            if exchange.opensStream {
                state.streams[id] = Stream(token: events.isEmpty ? token : exchange.resumedAfter)
            }
            guard var stream = state.streams[id] else { return nil }
            defer { state.streams[id] = stream }
            stream.held += events
            guard state.isCold else {
                defer { (stream.held, stream.token) = ([], token) }
                return (stream.held, token)
            }
            state.emptyBatches += 1
            return ([], stream.token ?? token)
        }
        guard let (batch, place) = shownPart else { return reply }
        let shown = try? cursor.setting(key, to: .array(batch)).setting("postBatchResumeToken", to: place)
        return shown.flatMap { try? reply.setting("cursor", to: .document($0)) } ?? reply
    }
}

extension FaultProxy.Exchange {
    /// The stage of an aggregation that makes it a change stream.
    private var streamStage: BSONDocument? {
        guard command == "aggregate" else { return nil }
        guard case .document(let stage)? = request.documents(at: "pipeline").first?["$changeStream"] else { return nil }
        return stage
    }

    /// Such a read waits until all of a commit is visible, as one inside a transaction does.
    fileprivate var readsSnapshot: Bool { request.string(at: "readConcern.level") == "snapshot" }

    fileprivate var opensStream: Bool { streamStage != nil }
    fileprivate var resumedAfter: BSONValue? { streamStage?["resumeAfter"] }
}
