internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Logging

extension ProjectionBuild {
    /// Does what the subscription's record says is to be done before events are delivered: makes the indexes of a new
    /// view, finishes a swap or a drop, goes on with an interrupted rebuild in place, builds the documents of this
    /// program's version.
    ///
    /// - Returns: Whether anything was done, so that the record is to be looked at again.
    static func continues(
        _ record: SubscriptionRecord, _ subscription: Subscription, _ store: DaybookStore, _ holder: String
    ) async throws -> Bool {
        guard subscription.kind == .projection else { return false }
        let isNewer = record.version < subscription.version
        if record.state != .dropping {
            guard record.pause == nil else { return false }
            guard isNewer || (record.state != .live && record.version == subscription.version) else { return false }
        }
        let place: SubscriptionStorage.Place = record.state == .rebuilding ? .inPlace : .beside
        guard let build = ProjectionBuild(of: subscription, in: store, place, holder: holder) else { return false }
        let lease = try await store.client.withConnection(.single) {
            try Lease.acquire(
                MaintenanceLease.name(of: subject(subscription.name)), holder: holder, in: store.database, on: $0)
        }
        guard let lease else { return false }
        let worker = LeasedWorker(client: store.client, database: store.database)
        try await worker.run(holding: [lease]) { _ in
            let current = try await store.client.withConnection(.single) {
                try SubscriptionRecord.find(subscription.name, in: store.database, on: $0)
            }
            // Another process may have done it before this one had the lease.
            guard current?.state == record.state, current?.version == record.version else { return }
            switch record.state {
            // What was built is complete already, by whichever program.
            case .swapping, .dropping: return try await finishBegun(of: subscription.name, in: store)
            case .new where !isNewer: return try await build.open()
            case .new, .live, .rebuilding: break
            }
            store.telemetry.logger.notice(
                "the projection is built \(place == .beside ? "beside the one in use" : "again in place")",
                metadata: ["subscription": "\(subscription.name)", "version": "\(subscription.version)"])
            if place == .inPlace { try await build.beginInPlace() }
            try await build.run(mayResume: true, reached: { _ in }) {}
            try await build.finish()
        }
        return true
    }

    /// Makes the indexes of a view that has no documents yet, and then has events delivered to it.
    func open() async throws {
        let indexes = handler.indexes ?? []
        try await Patience.around {
            try await store.client.withConnection(.single) { connection in
                // Of documents whose record was deleted, the indexes are there.
                if try connection.findOne([:], in: live.view, decode: { _ in true }) == nil {
                    try connection.createIndexes(indexes, in: live.view)
                }
                try SubscriptionRecord.change(
                    name, if: ["state": .string(SubscriptionRecord.State.new.rawValue)],
                    by: ["$set": ["state": .string(SubscriptionRecord.State.live.rawValue)]], noting: nil,
                    in: store.database, on: connection)
            }
        }
    }
}
