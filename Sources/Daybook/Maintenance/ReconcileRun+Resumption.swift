package import Foundation

extension ReconcileRun {
    /// A run that has been silent for longer is not resumed: what it had done may have drifted again.
    package static let resumableFor: TimeInterval = 3600

    /// The reason that stands in the record of a run that is not resumed any more.
    package static let givenUp = "it was given up, and all was begun anew"

    /// Whether it has neither come to its end nor been given up.
    var isUnfinished: Bool { status != .done && reason != Self.givenUp }

    /// Why the work of this run, which did not come to its end, is not resumed by `next`; nil when it is.
    func obstacle(to next: ReconcileRun, at now: Date) -> String? {
        guard schemas == next.schemas, let program, program == next.program else {
            return "another program began it, whose states may be others"
        }
        guard now.timeIntervalSince(updatedAt) < Self.resumableFor else {
            return "its last record is of \(updatedAt.formatted(.iso8601)), and what it had done by then may have drifted since"
        }
        return nil
    }

    /// This run, continued by the process `holder`.
    func resumed(by holder: String) -> ReconcileRun {
        var run = self
        run.holder = holder
        run.status = .running
        run.endedAt = nil
        run.reason = nil
        return run
    }
}

extension RunLog {
    /// Puts the record of `run` into the log, or takes over that of the earlier run of the same work which can be resumed.
    ///
    /// Every other swap of its types that did not come to its end is given up: it would find collections that are not as it left them.
    ///
    /// - Parameters:
    ///   - resumes: Whether this work is one that is resumed.
    ///   - restart: Whether an earlier run is given up, whatever it had done.
    ///   - notice: Receives what an operator should know of an earlier run.
    /// - Returns: The run, and the earlier one that it continues.
    /// - Throws: ``DaybookError/Code/conflict`` where another process has taken the earlier run over.
    package func begin(
        _ run: ReconcileRun, resumes: Bool, restart: Bool, attempts: Int = 3, notice: (String) -> Void
    ) async throws -> (run: ReconcileRun, earlier: ReconcileRun?) {
        var earlier = resumes ? try await last(like: run) : nil
        if let found = earlier {
            if !found.isUnfinished {
                earlier = nil
            } else if restart {
                try await giveUp(found, for: run.holder)
                earlier = nil
            } else if let obstacle = try await obstacle(to: run, resuming: found) {
                notice(
                    "the rebuild that was begun at \(found.startedAt.formatted(.iso8601)) is not resumed: \(obstacle). All is begun anew"
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
        var resumed = earlier.resumed(by: run.holder)
        resumed.updatedAt = now()
        guard try await update(resumed, heldBy: earlier.holder) else {
            // A request of a process that died has changed the record in between, such as one that gave the run up.
            guard attempts > 1 else { throw ReconcileRun.takenOver }
            return try await begin(run, resumes: resumes, restart: restart, attempts: attempts - 1, notice: notice)
        }
        return (resumed, earlier)
    }

    /// Why the work of `found` is not resumed by `run`; nil when it is.
    private func obstacle(to run: ReconcileRun, resuming found: ReconcileRun) async throws -> String? {
        if let obstacle = found.obstacle(to: run, at: now()) { return obstacle }
        guard try await hasRun(of: found.types, since: found.startedAt, byOtherThan: found.program ?? "") else { return nil }
        return "another program has rebuilt or patched some of the same snapshots since"
    }

    /// Notes that a run will not be resumed. Its process, should it still live, can no longer write its record.
    private func giveUp(_ run: ReconcileRun, for holder: String) async throws {
        var run = run
        let before = run.holder
        run.holder = holder
        run.status = .failed
        run.reason = ReconcileRun.givenUp
        _ = try await update(run, heldBy: before)
    }
}

extension ReconcileRun {
    static var takenOver: DaybookError {
        DaybookError(
            .conflict,
            "another process has taken this run over, because this one was held up for longer than its lease lasts. Leave it to "
                + "that process, or start the command again when it has ended.")
    }
}
