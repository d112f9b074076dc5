internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

/// Puts drifted snapshots right: each by a compare-and-set on what was seen of it, so that it never undoes what a writer does meanwhile.
struct SnapshotRepair<F: AggregateFold>: Sendable {
    /// How often one aggregate is tried whose snapshot keeps changing.
    private static var attempts: Int { 20 }
    private static var maximumBatch: Int { 500 }

    let confirmation: Confirmation<F>
    /// The kinds that are repaired.
    let kinds: Set<Finding.Kind>
    /// Whether whole snapshots are written where a few fields would do.
    let replacesWhole: Bool
    let isDryRun: Bool
    let pace: Pace?

    private var client: MongoClient { confirmation.store.client }

    /// What is done about `assessments`, each of which is drift or damage.
    ///
    /// - Returns: The findings with what was done, and how many snapshots were written; those that somebody else has put right meanwhile are left
    ///   out.
    /// - Throws: What keeps a snapshot from being written, with its namespace and the permission that is missing.
    func repair(_ assessments: [Assessment]) async throws -> (findings: [Finding], written: Int) {
        var findings: [Finding] = []
        var planned: [(Assessment, RepairAction)] = []
        for assessment in assessments {
            let repair = plan(assessment)
            if isDryRun || repair.isNone {
                if let finding = finding(assessment, repair) { findings.append(finding) }
            } else {
                planned.append((assessment, repair))
            }
        }
        var written = 0
        let size = pace?.portion(of: Self.maximumBatch) ?? Self.maximumBatch
        for start in stride(from: 0, to: planned.count, by: size) {
            let part = Array(planned[start..<min(start + size, planned.count)])
            try await pace?.wait(for: part.count)
            let done = try await write(part)
            findings += done
            written += done.count { $0.repair?.action != Finding.Repair.Action.none }
        }
        return (findings, written)
    }

    /// The least that puts it right.
    private func plan(_ assessment: Assessment) -> RepairAction {
        guard let kind = assessment.kind else { return .none("nothing is wrong") }
        if kind.isDamage { return .none("the journal is never changed") }
        guard kinds.contains(kind) else { return .none("its kind was not asked for") }
        if kind == .orphan { return .delete }
        if let schema = assessment.stored?.stateSchema, let declared = F.stateSchema, schema > declared {
            return .none("it is a newer program's")
        }
        guard let expected = assessment.expected else { return .none("only the application can make the state") }
        guard let stored = assessment.stored else { return .insert(expected) }
        if !replacesWhole, let update = SnapshotDifference(stored: stored.document, expected: expected).update,
            update != BSONDocument(), update.bytes.count < expected.bytes.count
        {
            return .update(update)
        }
        return .replace(expected)
    }

    private func operation(_ assessment: Assessment, _ repair: RepairAction) -> BulkOperation? {
        switch repair {
        case .insert(let snapshot): .insert(snapshot)
        case .update(let update): .updateOne(assessment.selector, update: update)
        case .replace(let snapshot): .replaceOne(assessment.selector, replacement: snapshot)
        case .delete: .deleteOne(assessment.selector)
        case .none: nil
        }
    }

    /// Writes them together; what did not go as planned is looked at one by one.
    private func write(_ planned: [(Assessment, RepairAction)]) async throws -> [Finding] {
        let result = try await send(planned)
        var inserts = 0, updates = 0, deletes = 0
        for (_, repair) in planned {
            switch repair {
            case .insert: inserts += 1
            case .update, .replace: updates += 1
            case .delete: deletes += 1
            case .none: break
            }
        }
        // A commit that came in between may have deleted the snapshot that one of the inserts puts back: those are looked at once more.
        let isInsertFinal = inserts == 0 || !F.mayLoseSnapshot
        if isInsertFinal, result.isComplete, result.inserted == inserts, result.matched == updates, result.deleted == deletes {
            return planned.compactMap(finding)
        }
        var findings: [Finding] = []
        for ((assessment, repair), outcome) in zip(planned, result.outcomes) {
            switch (outcome, repair) {
            case (.done, .insert) where isInsertFinal:
                if let finding = finding(assessment, repair) { findings.append(finding) }
            case (.failed(let error), _) where error.code != .duplicateKey: throw error
            default:
                if let finding = try await insist(assessment, repair) { findings.append(finding) }
            }
        }
        return findings
    }

    /// A unique index of the operator's refuses the snapshot, and no second attempt is better: the finding stays, with the index. The snapshot that
    /// has the value may be one of those that are repaired later, so the others are not kept waiting.
    private func refused(_ assessment: Assessment, _ error: MongoError) -> Finding? {
        let fields = error.keyPattern.joined(separator: ", ")
        return finding(
            assessment,
            .none(
                "the unique index over (\(fields)) refuses it: another snapshot has the same value. Repair again if that one was repaired too"
            ))
    }

    /// Puts one right whose snapshot may have changed, or may have been written by a request that was not answered.
    ///
    /// - Returns: Nil when somebody else has put it right.
    private func insist(_ assessment: Assessment, _ repair: RepairAction) async throws -> Finding? {
        var (assessment, repair) = (assessment, repair)
        var unanswered: MongoError?
        var backoff = Backoff()
        for _ in 0..<Self.attempts {
            if unanswered != nil { await backoff.wait() }
            guard let found = try await confirmation.reassess(assessment) else {
                return try await stands(repair, assessment) ? finding(assessment, repair) : nil
            }
            (assessment, repair) = (found, plan(found))
            if repair.isNone { return finding(assessment, repair) }
            let result = try await send([(assessment, repair)])
            switch result.outcomes[0] {
            case .done where result.inserted + result.matched + result.deleted > 0: return finding(assessment, repair)
            case .done: unanswered = nil
            case .failed(let error) where error.isOfForeignIndex: return refused(assessment, error)
            case .failed(let error) where error.code == .duplicateKey: unanswered = nil
            case .failed(let error): throw error
            case .unknown(let error): unanswered = error
            case .notSent: unanswered = nil
            }
        }
        // The part is read once more when the server answers again, and what was written is found to be right then.
        if let unanswered { throw unanswered }
        throw DaybookError(
            .conflict, "its snapshot changes faster than it can be put right; run this again", aggregateID: assessment.name)
    }

    /// Whether what was to be written is there.
    private func stands(_ repair: RepairAction, _ assessment: Assessment) async throws -> Bool {
        guard let snapshots = confirmation.subject.snapshots else { return false }
        let id: BSONValue = assessment.stored?.document["_id"] ?? .string(assessment.text)
        let found = try await client.withConnection(.single) { connection in
            try connection.findOne(["_id": ["$eq": id]], in: snapshots) { BSONDocument($0) }
        }
        return switch repair {
        case .insert, .update, .replace: assessment.expected.map { found?.withoutLock == $0 } ?? false
        case .delete: found == nil
        case .none: false
        }
    }

    private func send(_ planned: [(Assessment, RepairAction)]) async throws -> BulkResult {
        guard let snapshots = confirmation.subject.snapshots else {
            throw DaybookError(.invalidArgument, "\(confirmation.subject.type) keeps no snapshots")
        }
        let operations = planned.compactMap(operation)
        let result = try await client.withConnection(.single) { connection in
            try connection.bulkWrite(operations, ordered: false, in: snapshots)
        }
        for case .failed(let error) in result.outcomes where error.code == .unauthorized { throw error }
        return result
    }

    private func finding(_ assessment: Assessment, _ write: RepairAction) -> Finding? {
        var finding = assessment.finding
        finding?.repair = write.repair(isDryRun: isDryRun)
        return finding
    }
}
