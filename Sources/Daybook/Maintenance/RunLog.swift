internal import DaybookBSON
internal import DaybookMongo
package import Foundation

/// Where the records of runs are kept: in `daybook.runs`, or in the memory of a test that stops a run at any of its
/// steps.
package protocol RunLog: Sendable {
    /// By the server's clock.
    func now() -> Date

    func insert(_ run: MaintenanceRun) async throws

    /// Replaces what changes of a record while `holder` works at it.
    ///
    /// - Returns: False where another process has taken it over.
    func update(_ run: MaintenanceRun, heldBy holder: String) async throws -> Bool

    /// The last run of the same kind of work on the same aggregates, whatever became of it.
    func last(like run: MaintenanceRun) async throws -> MaintenanceRun?

    /// Whether another program than `program`, or one that is not known, has been at work on some of these types since
    /// `date`: in a run that was begun then, or before.
    func hasRun(of types: [String], since date: Date, byOtherThan program: String) async throws -> Bool

    /// The swaps of some of these types that did not come to their end.
    func unfinishedSwaps(of types: [String]) async throws -> [MaintenanceRun]
}

extension RunLog {
    /// Puts the record of `run` into the log, or takes over that of the earlier run of the same work which can be
    /// resumed.
    ///
    /// Every other swap of its types that did not come to its end is given up: it would find collections that are not
    /// as it left them.
    ///
    /// - Parameters:
    ///   - resumes: Whether this work is one that is resumed.
    ///   - restart: Whether an earlier run is given up, whatever it had done.
    ///   - notice: Receives what an operator should know of an earlier run.
    /// - Returns: The run, and the earlier one that it continues.
    /// - Throws: ``DaybookError/Code/conflict`` where another process has taken the earlier run over.
    package func begin(
        _ run: MaintenanceRun, resumes: Bool, restart: Bool, attempts: Int = 3, notice: (String) -> Void
    ) async throws -> (run: MaintenanceRun, earlier: MaintenanceRun?) {
        var earlier = resumes ? try await last(like: run) : nil
        if let found = earlier {
            if !found.isUnfinished {
                earlier = nil
            } else if restart {
                try await giveUp(found, for: run.holder)
                earlier = nil
            } else if let obstacle = try await obstacle(to: run, resuming: found) {
                notice(
                    "the rebuild that was begun at \(found.startedAt.formatted(.iso8601)) is not resumed: "
                        + "\(obstacle). All is begun anew"
                )
                try await giveUp(found, for: run.holder)
                earlier = nil
            }
        }
        if run.kind == .rebuild, run.isSwap {
            for rival in try await unfinishedSwaps(of: run.types) where rival.id != earlier?.id {
                try await giveUp(rival, for: run.holder)
            }
        }
        guard let earlier else {
            try await insert(run)
            return (run, nil)
        }
        notice("going on with the rebuild that was begun at \(earlier.startedAt.formatted(.iso8601))")
        let resumed = earlier.resumed(by: run.holder, at: now())
        guard try await update(resumed, heldBy: earlier.holder) else {
            // A request of a process that died has changed the record in between, such as one that gave the run up.
            guard attempts > 1 else { throw MaintenanceRun.takenOver }
            return try await begin(run, resumes: resumes, restart: restart, attempts: attempts - 1, notice: notice)
        }
        return (resumed, earlier)
    }

    /// Why the work of `found` is not resumed by `run`; nil when it is.
    private func obstacle(to run: MaintenanceRun, resuming found: MaintenanceRun) async throws -> String? {
        if let obstacle = found.obstacle(to: run, at: now()) { return obstacle }
        guard try await hasRun(of: found.types, since: found.startedAt, byOtherThan: found.program ?? "") else {
            return nil
        }
        return "another program has rebuilt or patched some of the same snapshots since"
    }

    /// Notes that a run will not be resumed. Its process, should it still live, can no longer write its record.
    package func giveUp(_ run: MaintenanceRun, for holder: String) async throws {
        var given = run
        given.holder = holder
        given.status = .failed
        given.reason = MaintenanceRun.givenUp
        _ = try await update(given, heldBy: run.holder)
    }
}

/// `daybook.runs` of a store.
package struct StoredRunLog: RunLog {
    let store: DaybookStore

    package init(store: DaybookStore) {
        self.store = store
    }

    private var namespace: Namespace { MaintenanceRun.namespace(store.database) }

    package func now() -> Date { store.clock.now() }

    package func insert(_ run: MaintenanceRun) async throws {
        let document = try run.document
        try await store.client.withConnection(.single) { try $0.insert([document], into: namespace) }
    }

    package func update(_ run: MaintenanceRun, heldBy holder: String) async throws -> Bool {
        let selector: BSONDocument = ["_id": .binary(BSONBinary(run.id)), "holder": .string(holder)]
        let update: BSONDocument = ["$set": .document(try run.progress)]
        return try await store.client.withConnection(.single) { connection in
            try connection.updateOne(selector, with: update, in: namespace).matched > 0
        }
    }

    package func last(like run: MaintenanceRun) async throws -> MaintenanceRun? {
        let filter: BSONDocument = [
            "kind": .string(run.kind.rawValue), "swap": .bool(run.isSwap), "types": .texts(run.types),
            "ids": .texts(run.ids),
        ]
        return try await runs(matching: filter, limit: 1).first
    }

    package func hasRun(of types: [String], since date: Date, byOtherThan program: String) async throws -> Bool {
        let filter: BSONDocument = [
            "types": ["$in": .texts(types)], "program": ["$ne": .string(program)],
            "updatedAt": ["$gte": .datetime(try BSONDate(date))],
        ]
        return try await store.client.withConnection(.single) { connection in
            try connection.findOne(filter, in: namespace, options: FindOptions(projection: ["_id": 1])) { _ in true }
                ?? false
        }
    }

    package func unfinishedSwaps(of types: [String]) async throws -> [MaintenanceRun] {
        let filter: BSONDocument = [
            "kind": .string(MaintenanceRun.Kind.rebuild.rawValue), "swap": true, "types": ["$in": .texts(types)],
            "status": ["$ne": .string(MaintenanceRun.Status.done.rawValue)],
            "reason": ["$ne": .string(MaintenanceRun.givenUp)],
        ]
        return try await runs(matching: filter, limit: 100)
    }

    /// The last run that has built a collection for a swap of this type.
    package func lastSwap(of type: AggregateType) async throws -> MaintenanceRun? {
        let filter: BSONDocument = [
            "kind": .string(MaintenanceRun.Kind.rebuild.rawValue), "swap": true, "builds.\(type)": ["$exists": true],
        ]
        return try await runs(matching: filter, limit: 1).first
    }

    /// The runs on this subject alone that neither came to their end nor were given up.
    package func unfinished(of subject: String) async throws -> [MaintenanceRun] {
        let filter: BSONDocument = [
            "types": .texts([subject]), "status": ["$ne": .string(MaintenanceRun.Status.done.rawValue)],
            "reason": ["$ne": .string(MaintenanceRun.givenUp)],
        ]
        return try await runs(matching: filter, limit: 100)
    }

    /// Notes that the work of a run came to its end, by whichever process.
    ///
    /// - Parameter written: How many documents it has written; nil for what the run says.
    package func end(_ run: MaintenanceRun, checked: Int? = nil, events: Int? = nil, written: Int? = nil) async throws {
        var ended = run
        ended.status = .done
        ended.reason = nil
        ended.updatedAt = now()
        ended.endedAt = ended.updatedAt
        ended.checked = checked ?? run.checked
        ended.events = events ?? run.events
        ended.written = written ?? run.written
        _ = try await update(ended, heldBy: run.holder)
    }

    /// The newest first; what Daybook has not written is left out.
    func runs(matching filter: BSONDocument, limit: Int) async throws -> [MaintenanceRun] {
        try await store.client.withConnection(.single) { connection in
            var runs: [MaintenanceRun] = []
            try connection.find(filter, in: namespace, options: FindOptions(sort: [("_id", -1)], limit: limit)) {
                document in
                if let run = MaintenanceRun(BSONDocument(document)) { runs.append(run) }
                return true
            }
            return runs
        }
    }
}

extension DaybookStore {
    /// The last repairs and rebuilds of this database, the newest first.
    public func runs(limit: Int = 20) async throws -> [MaintenanceRun] {
        try await telemetry.perform("runs") {
            try await StoredRunLog(store: self).runs(matching: [:], limit: max(1, limit))
        }
    }
}
