internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

/// Repairs drifted snapshots: each by a compare-and-set on what was seen of it, so that it never undoes what a writer
/// does meanwhile.
struct SnapshotRepair: Sendable {
    /// How often one aggregate is tried whose snapshot keeps changing.
    private static let attempts = 20
    private static let maximumBatch = 500

    let confirmation: Confirmation
    /// The kinds that are repaired.
    let kinds: Set<Finding.Kind>
    /// Whether whole snapshots are written where a few fields would do.
    let replacesWhole: Bool
    let isDryRun: Bool
    let pace: Pace?

    private var client: MongoClient { confirmation.store.client }
    private var target: ReconcileTarget { confirmation.checker.target }

    /// What is to be done about one suspect.
    private struct Plan: Sendable {
        let suspect: Suspect
        let repair: Finding.Repair
        /// Nil where nothing is.
        let operation: BulkOperation?

        static func leave(_ suspect: Suspect, because reason: String) -> Plan {
            Plan(suspect: suspect, repair: Finding.Repair(action: .none, reason: reason), operation: nil)
        }

        /// - Parameter isDryRun: What is written is reported only where nothing is, so that reports stay small.
        func finding(isDryRun: Bool) -> Finding {
            var repair = repair
            if !isDryRun { repair.write = nil }
            return suspect.finding(repair)
        }
    }

    /// Does what there is to do about `suspects`, each of which is drift or damage.
    ///
    /// - Returns: The findings with what was done, and how many snapshots were written. Those that another process has
    ///   repaired meanwhile are left out.
    /// - Throws: What keeps a snapshot from being written, with its namespace and the permission that is missing.
    func repair(_ suspects: [Suspect]) async throws -> (findings: [Finding], written: Int) {
        var findings: [Finding] = []
        var plans: [Plan] = []
        for plan in suspects.map(plan) {
            if isDryRun || plan.operation == nil {
                findings.append(plan.finding(isDryRun: isDryRun))
            } else {
                plans.append(plan)
            }
        }
        var written = 0
        let size = pace?.portion(of: Self.maximumBatch) ?? Self.maximumBatch
        for start in stride(from: 0, to: plans.count, by: size) {
            let part = Array(plans[start..<min(start + size, plans.count)])
            try await pace?.wait(for: part.count)
            let done = try await write(part)
            findings += done
            written += done.count { $0.repair?.action != Finding.Repair.Action.none }
        }
        return (findings, written)
    }

    /// The least that repairs it.
    private func plan(_ suspect: Suspect) -> Plan {
        func plan(_ action: Finding.Repair.Action, _ write: BSONDocument?, _ operation: BulkOperation) -> Plan {
            Plan(
                suspect: suspect, repair: Finding.Repair(action: action, reason: nil, write: write),
                operation: operation)
        }
        if suspect.kind.isDamage { return .leave(suspect, because: "the journal is never changed") }
        guard kinds.contains(suspect.kind) else { return .leave(suspect, because: "its kind was not asked for") }
        if suspect.kind == .orphan, let selector = suspect.stored?.selector {
            return plan(.delete, nil, .deleteOne(selector))
        }
        if let schema = suspect.stored?.stateSchema, let declared = target.stateSchema, schema > declared {
            return .leave(suspect, because: "it is a newer program's")
        }
        guard let expected = suspect.expected else {
            return .leave(suspect, because: "only the application can make the state")
        }
        guard let stored = suspect.stored else { return plan(.insert, expected, .insert(expected)) }
        if !replacesWhole, let update = SnapshotUpdate(from: stored.document, to: expected).document,
            update != BSONDocument(), update.bytes.count < expected.bytes.count
        {
            return plan(.update, update, .updateOne(stored.selector, update: update))
        }
        return plan(.replace, expected, .replaceOne(stored.selector, replacement: expected))
    }

    /// Writes them together; what did not go as planned is looked at one by one.
    private func write(_ plans: [Plan]) async throws -> [Finding] {
        let result = try await send(plans)
        func count(_ actions: Finding.Repair.Action...) -> Int { plans.count { actions.contains($0.repair.action) } }
        // A commit that came in between may have deleted the snapshot that one of the inserts puts back: those are
        // looked at once more.
        let isInsertFinal = !target.mayLoseSnapshot || count(.insert) == 0
        if isInsertFinal, result.isComplete, result.inserted == count(.insert),
            result.matched == count(.update, .replace),
            result.deleted == count(.delete)
        {
            return plans.map { $0.finding(isDryRun: false) }
        }
        var findings: [Finding] = []
        for (plan, outcome) in zip(plans, result.outcomes) {
            switch outcome {
            case .done where isInsertFinal && plan.repair.action == .insert:
                findings.append(plan.finding(isDryRun: false))
            case .failed(let error) where error.code != .duplicateKey: throw error
            default: if let finding = try await insist(on: plan) { findings.append(finding) }
            }
        }
        return findings
    }

    /// Repairs one whose snapshot may have changed, or may have been written by a request that was not answered.
    ///
    /// - Returns: Nil when another process has repaired it.
    private func insist(on plan: Plan) async throws -> Finding? {
        var plan = plan
        var unanswered: MongoError?
        var backoff = Backoff()
        for _ in 0..<Self.attempts {
            if unanswered != nil { await backoff.wait() }
            guard let found = try await confirmation.reassess(plan.suspect) else {
                return try await isDone(plan) ? plan.finding(isDryRun: false) : nil
            }
            plan = self.plan(found)
            if plan.operation == nil { return plan.finding(isDryRun: false) }
            let result = try await send([plan])
            unanswered = nil
            switch result.outcomes[0] {
            case .done where result.inserted + result.matched + result.deleted > 0: return plan.finding(isDryRun: false)
            case .failed(let error) where error.isOfForeignIndex: return refused(plan, error)
            case .failed(let error) where error.code != .duplicateKey: throw error
            case .unknown(let error): unanswered = error
            case .done, .failed, .notSent: break
            }
        }
        // The part is read once more when the server answers again, and what was written is found to be right then.
        if let unanswered { throw unanswered }
        throw DaybookError(
            .conflict, "its snapshot changes faster than it can be put right; run this again",
            aggregateID: plan.suspect.name)
    }

    /// A unique index of the operator's refuses the snapshot, and no second attempt is better: the finding stays, with
    /// the index. The snapshot that has the value may be one of those that are repaired later, so the others are not
    /// kept waiting.
    private func refused(_ plan: Plan, _ error: MongoError) -> Finding {
        let fields = error.keyPattern.joined(separator: ", ")
        let reason =
            "the unique index over (\(fields)) refuses it: another snapshot has the same value. Repair again if that "
            + "one was repaired too"
        return Plan.leave(plan.suspect, because: reason).finding(isDryRun: false)
    }

    /// Whether what was to be written is stored.
    private func isDone(_ plan: Plan) async throws -> Bool {
        guard let snapshots = target.snapshots else { return false }
        let suspect = plan.suspect
        let id: BSONValue = suspect.stored?.document[SnapshotKey.id] ?? .string(suspect.text)
        let found = try await client.withConnection(.single) { connection in
            try connection.findOne([SnapshotKey.id: ["$eq": id]], in: snapshots) { BSONDocument($0) }
        }
        return switch plan.repair.action {
        case .insert, .update, .replace: suspect.expected.map { found?.withoutLock == $0 } ?? false
        case .delete: found == nil
        case .none: false
        }
    }

    private func send(_ plans: [Plan]) async throws -> BulkResult {
        guard let snapshots = target.snapshots else {
            throw DaybookError(.invalidArgument, "\(target.type) keeps no snapshots")
        }
        let operations = plans.compactMap(\.operation)
        let result = try await client.withConnection(.single) { connection in
            try connection.bulkWrite(operations, ordered: false, in: snapshots)
        }
        for case .failed(let error) in result.outcomes where error.code == .unauthorized { throw error }
        return result
    }
}
