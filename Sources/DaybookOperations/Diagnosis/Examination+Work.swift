internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

extension Examination {
    /// Repairs that were begun and have not finished.
    var runs: Look {
        Look(name: "runs", privilege: "find on \(ControlCollection.runs)") { connection in
            let unfinished = try unfinishedRuns(on: connection)
            return unfinished.isEmpty ? [Diagnosis.Check("runs", .ok, "none is unfinished")] : unfinished
        }
    }

    /// The unfinished runs, newest first, except those whose work a later run of the same kind has done.
    private func unfinishedRuns(on connection: isolated MongoConnection) throws -> [Diagnosis.Check] {
        var done: Set<[[String]]> = []
        // What else was begun for a projection that was dropped since has nothing left to go on with.
        var dropped: Set<[String]> = []
        var checks: [Diagnosis.Check] = []
        let options = FindOptions(sort: [("_id", -1)], limit: Self.newestRuns)
        try connection.find([:], in: MaintenanceRun.namespace(store.database), options: options) { document in
            let document = BSONDocument(document)
            guard let run = MaintenanceRun(document) else {
                checks.append(unreadable(document["_id"] ?? .null))
                return true
            }
            let scope = [[run.kind.rawValue], run.types, run.ids]
            if run.status == .done {
                done.insert(scope)
                if run.kind == .drop { dropped.insert(run.types) }
            } else if !dropped.contains(run.types), !done.contains(scope) {
                checks.append(check(run))
            }
            return true
        }
        return checks
    }

    private func check(_ run: MaintenanceRun) -> Diagnosis.Check {
        let age = now.timeIntervalSince(run.updatedAt)
        let command = run.kind.rawValue + (run.isSwap ? " --swap" : "")
        // As it was started: `rebuild --swap of license`.
        let work = run.types.isEmpty ? command : "\(command) of \(run.types.joined(separator: ", "))"
        let place = "\(work): \(run.checked) aggregates"
        if run.status == .running, age < Self.longestSilence {
            return Diagnosis.Check("runs", .ok, "\(place) so far, by \(run.holder)")
        }
        let ago = "\(Self.shown(age)) ago"
        let ending =
            switch run.status {
            case .running: "fell silent: its process (\(run.holder)) was last heard of \(ago)"
            case .failed: "failed, \(ago)\(run.reason.map { ": \($0)" } ?? "")"
            case .interrupted, .done: "was \(run.status), \(ago)"
            }
        return Diagnosis.Check(
            "runs", .warning, "\(place), then it \(ending)",
            remedy:
                "Start the same command again: it goes on where it was if that was within the last hour; else, or with "
                + "--restart, it begins anew.")
    }

    /// A document that a hand has changed, or that a later version has written.
    private func unreadable(_ id: BSONValue) -> Diagnosis.Check {
        Diagnosis.Check(
            "runs", .warning,
            "the document with the _id \(id.shown()) is not the record of a run that this version can read",
            remedy: "If no later version of Daybook works with this database, delete it from \(ControlCollection.runs)."
        )
    }

    /// The processes that hold an exclusive right to some work.
    var leases: Look {
        Look(name: "leases", privilege: "find on \(ControlCollection.leases)") { connection in
            var held: [HeldLease] = []
            let options = FindOptions(sort: [("_id", 1)])
            let filter: BSONDocument = ["expiresAt": ["$gt": .datetime(try BSONDate(now))]]
            try connection.find(filter, in: namespace(ControlCollection.leases.rawValue), options: options) {
                if let lease = HeldLease(BSONDocument($0)) { held.append(lease) }
                return true
            }
            // The check of a subscription names those that run it.
            held.removeAll { $0.name.hasPrefix(Self.partitionPrefix) && !$0.outlastsHolder(at: now) }
            guard !held.isEmpty else { return [Diagnosis.Check("leases", .ok, "none is held")] }
            return held.map { lease in
                let since = lease.acquiredAt.map { ", for \(Self.shown(now.timeIntervalSince($0)))" } ?? ""
                let detail = "\(lease.name) is held by \(lease.holder)\(since)"
                guard lease.outlastsHolder(at: now) else { return Diagnosis.Check("leases", .ok, detail) }
                return Diagnosis.Check(
                    "leases", .warning,
                    "\(detail), and ends in \(Self.shown(lease.expiresAt.timeIntervalSince(now))): it was written by a "
                        + "clock that is wrong, or by hand, and does not end when its process does",
                    remedy: "If that process is gone, in mongosh:\n  \(lease.endingCommand(in: store.database))")
            }
        }
    }
}
