internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

extension Examination {
    /// A document of `daybook.runs`, as far as doctor needs it.
    struct Run: Sendable {
        let kind: String
        let swaps: Bool
        let types: [String]
        let status: String
        let holder: String
        let updatedAt: Date?
        let checked: Int
        let reason: String?

        init(_ document: BSONDocument) {
            func text(_ key: String) -> String? { if case .string(let text) = document[key] { text } else { nil } }
            kind = text("kind") ?? "run"
            swaps = document["swap"] == .bool(true)
            types =
                if case .array(let types) = document["types"] {
                    types.compactMap { if case .string(let type) = $0 { type } else { nil } }
                } else { [] }
            status = text("status") ?? "unknown"
            holder = text("holder") ?? "an unknown process"
            updatedAt = if case .datetime(let date) = document["updatedAt"] { date.date } else { nil }
            checked = document["checked"]?.count ?? 0
            reason = text("reason")
        }

        /// What was to be done, as it was started: `rebuild --swap of license`.
        var work: String {
            let command = swaps ? "\(kind) --swap" : kind
            return types.isEmpty ? command : "\(command) of \(types.joined(separator: ", "))"
        }
    }

    /// A run notes how far it is well within this time.
    private static var silence: TimeInterval { 60 }
    /// How many of the newest runs are looked at.
    private static var newestRuns: Int { 200 }

    /// Repairs that were begun and have not come to their end.
    var runs: Look {
        Look(name: "runs", privilege: "find on \(ControlCollection.runs)") { connection in
            let unfinished = try unfinishedRuns(on: connection)
            guard !unfinished.isEmpty else { return [Diagnosis.Check("runs", .ok, "none is unfinished")] }
            return unfinished.map(check)
        }
    }

    private func check(_ run: Run) -> Diagnosis.Check {
        let age = run.updatedAt.map { now.timeIntervalSince($0) }
        let place = "\(run.work): \(run.checked) aggregates"
        if run.status == "running", let age, age < Self.silence {
            return Diagnosis.Check("runs", .ok, "\(place) so far, by \(run.holder)")
        }
        let since = age.map { ", \(Self.shown($0)) ago" } ?? ""
        let ending =
            switch run.status {
            case "running":
                "its process (\(run.holder)) was last heard of\(age.map { " \(Self.shown($0)) ago" } ?? " at no known time")"
            case "failed": "failed\(since)\(run.reason.map { ": \($0)" } ?? "")"
            default: "was \(run.status)\(since)"
            }
        return Diagnosis.Check(
            "runs", .warning, "\(place), then it \(run.status == "running" ? "fell silent: \(ending)" : ending)",
            remedy:
                "Start the same command again: it goes on where it was if that was within the last hour; else, or with --restart, "
                + "it begins anew.")
    }

    /// Those that were not done, newest first, but for what a later run of the same kind has done.
    func unfinishedRuns(on connection: isolated MongoConnection) throws -> [Run] {
        var done: Set<BSONDocument> = []
        var unfinished: [Run] = []
        let options = FindOptions(sort: [("_id", -1)], limit: Self.newestRuns)
        try connection.find([:], in: namespace(ControlCollection.runs.rawValue), options: options) { document in
            let document = BSONDocument(document)
            var scope = BSONDocument()
            for key in ["kind", "types", "ids"] { try scope.append(key, document[key] ?? .null) }
            if document["status"] == "done" {
                done.insert(scope)
            } else if !done.contains(scope) {
                unfinished.append(Run(document))
            }
            return true
        }
        return unfinished
    }

    /// Who has the right to do some work alone.
    var leases: Look {
        Look(name: "leases", privilege: "find on \(ControlCollection.leases)") { connection in
            var held: [HeldLease] = []
            let options = FindOptions(sort: [("_id", 1)])
            let filter: BSONDocument = ["expiresAt": ["$gt": .datetime(try BSONDate(now))]]
            try connection.find(filter, in: namespace(ControlCollection.leases.rawValue), options: options) {
                if let lease = HeldLease(BSONDocument($0)) { held.append(lease) }
                return true
            }
            guard !held.isEmpty else { return [Diagnosis.Check("leases", .ok, "none is held")] }
            return held.map { lease in
                let since = lease.acquiredAt.map { ", for \(Self.shown(now.timeIntervalSince($0)))" } ?? ""
                let detail = "\(lease.name) is held by \(lease.holder)\(since)"
                guard lease.outlastsHolder(at: now) else { return Diagnosis.Check("leases", .ok, detail) }
                return Diagnosis.Check(
                    "leases", .warning,
                    "\(detail), and ends in \(Self.shown(lease.expiresAt.timeIntervalSince(now))): it was written by a clock that is wrong, or "
                        + "by hand, and does not end when its process does",
                    remedy: "If that process is gone, in mongosh:\n  \(lease.endingCommand(in: store.database))")
            }
        }
    }
}
