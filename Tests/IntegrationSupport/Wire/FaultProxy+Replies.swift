package import DaybookBSON

extension FaultProxy.Fault {
    /// The answer of one shard is lost, or says that the shard is on its way down. A router reports that as an error of
    /// each write that went to the shard, in a reply with `ok: 1`: the shard may have done them, may not, and may
    /// still.
    ///
    /// With order it stops there, and reports the first alone.
    ///
    /// https://github.com/mongodb/mongo/blob/v7.0/src/mongo/s/write_ops/batch_write_op.cpp, `noteBatchError`
    ///
    /// - Parameters:
    ///   - code: What the router knows of it.
    ///   - fate: What the shard does of it.
    ///   - isThere: Whether a statement's document is on that shard. All are unless this says otherwise, and where it
    ///     is done later.
    package static func lostShard(
        _ code: Int32, _ fate: ShardFate, holding isThere: @escaping @Sendable (BSONDocument) -> Bool = { _ in true }
    ) -> FaultProxy.Fault {
        let isWhole = fate == .doneLater
        let isLost: @Sendable (BSONDocument) -> Bool = { isWhole || isThere($0) }
        let work: FaultProxy.Answer.Work =
            switch fate {
            case .done: .everything
            case .notDone: .statements { !isLost($0) }
            case .doneLater: .later
            }
        return .answer(
            FaultProxy.Answer("\(code) of a shard, \(fate)", work) { exchange in
                let places = exchange.statements.indices
                // Of the places that the server had, by their order there.
                let tried = places.filter { fate == .done || !isLost(exchange.statements[$0]) }
                var errors: [Int: BSONDocument] = [:]
                for refusal in exchange.reply?.documents(at: "writeErrors") ?? [] {
                    guard let index = refusal.integer(at: "index"), tried.indices.contains(Int(index)) else { continue }
                    errors[tried[Int(index)]] = refusal
                }
                for place in places where isLost(exchange.statements[place]) {
                    errors[place] = ["code": .int32(code), "errmsg": "Write results unavailable from shard-1"]
                }
                var end = places.upperBound
                if exchange.request["ordered"] != false, let first = errors.keys.min() {
                    errors = errors.filter { $0.key == first }
                    end = first
                }
                let list = errors.sorted { $0.key < $1.key }.map { place, error in
                    BSONValue.document((try? error.setting("index", to: .int32(Int32(place)))) ?? error)
                }
                let done = (0..<end).count { errors[$0] == nil }
                return ["n": .int32(Int32(done)), "nModified": .int32(0), "writeErrors": .array(list), "ok": 1.0]
            })
    }

    package enum ShardFate: String, Sendable, CaseIterable {
        case done, notDone, doneLater
    }

    /// An error in place of the reply.
    ///
    /// - Parameter concern: A write concern's error beside it.
    package static func error(
        _ code: Int32, labels: [String] = [], concern: Int32? = nil, work: FaultProxy.Answer.Work = .nothing
    ) -> FaultProxy.Fault {
        let name =
            "\(code)" + (concern.map { " with a write concern's \($0)" } ?? "") + labels.map { " \($0)" }.joined()
        return .answer(FaultProxy.Answer(name, work) { _ in .failure(code, labels: labels, concern: concern) })
    }

    /// The first operation of a `bulkWrite` is refused on its own, in a reply with `ok: 1`: a router of a new version
    /// before shards of an older feature compatibility version passes on their answers so.
    package static func bulkItem(_ code: Int32) -> FaultProxy.Fault {
        .answer(
            FaultProxy.Answer("\(code) in an item", .nothing) { _ in
                let item: BSONDocument = [
                    "ok": 0.0, "idx": .int32(0), "code": .int32(code), "errmsg": "BulkWrite is not supported",
                    "n": .int32(0),
                ]
                return [
                    "cursor": ["id": .int64(0), "firstBatch": [.document(item)], "ns": "admin.$cmd.bulkWrite"],
                    "nErrors": .int32(1),
                    "nInserted": .int32(0), "nMatched": .int32(0), "nModified": .int32(0), "nUpserted": .int32(0),
                    "nDeleted": .int32(0), "ok": 1.0,
                ]
            })
    }
}

extension FaultProxy.Answer.Work {
    /// The transaction is aborted instead of committed.
    package static let abort = Self.instead { commit in
        var abort: BSONDocument = ["abortTransaction": 1]
        for (key, value) in commit.fields where key != "commitTransaction" && key != "maxTimeMS" {
            try? abort.append(key, value)
        }
        return abort
    }
}

extension BSONDocument {
    package static func failure(_ code: Int32, labels: [String] = [], concern: Int32? = nil) -> BSONDocument {
        var fields: [(String, BSONValue)] = [("ok", 0.0), ("code", .int32(code)), ("errmsg", "made up by a test")]
        if !labels.isEmpty { fields.append(("errorLabels", .array(labels.map { .string($0) }))) }
        if let concern {
            fields.append(("writeConcernError", ["code": .int32(concern), "errmsg": "made up by a test"]))
        }
        return fields.reduce(into: BSONDocument()) { try? $0.append($1.0, $1.1) }
    }
}
