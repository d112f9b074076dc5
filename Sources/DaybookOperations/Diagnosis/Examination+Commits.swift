internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

extension Examination {
    /// Whether the newest commits are whole. A restore that is not of one point in time usually leaves some of them in
    /// parts.
    var commits: Look {
        Look(name: "commits", privilege: "find on journal") { connection in
            let check = CommitCheck(store: store, comparesAll: true)
            let torn = try check.torn(among: try newestParts(on: connection), on: connection)
            var findings: [Finding] = []
            for commit in torn where !check.isFresh(commit.part) {
                if let finding = try check.finding(commit, on: connection) { findings.append(finding) }
            }
            guard let first = findings.first else {
                return [Diagnosis.Check("commits", .ok, "the newest are whole")]
            }
            let count = findings.count == 1 ? "one of the newest is" : "\(findings.count) of the newest are"
            return [
                Diagnosis.Check(
                    "commits", .warning, "\(count) not whole: \(first.detail)",
                    remedy:
                        "Run verify, which finds all of them. Bring back what is missing from a backup of one moment: "
                        + "export there, and import "
                        + "here. In a journal into which only some types were imported this is as it should be.")
            ]
        }
    }

    /// One event of each of the newest commits.
    private func newestParts(on connection: isolated MongoConnection) throws -> [OwnedPart] {
        var parts: [OwnedPart] = []
        var seen: Set<EventID> = []
        let options = FindOptions(
            sort: [(EventKey.id, -1)], limit: Self.newestEvents,
            projection: [EventKey.id: 1, EventKey.version: 1, EventKey.commit: 1])
        try connection.find([:], in: store.journal.namespace, options: options) { document in
            // An event that cannot be read is reported by verify.
            let fields = EventFields(tolerant: document)
            guard let id = fields.id, let commit = fields.commit, let version = fields.version,
                let part = CommitPart(CommitMembership(eventID: id, commit: commit), version: version)
            else { return true }
            if !part.isWhole, seen.insert(part.commit).inserted { parts.append(OwnedPart(aggregateID: [], part: part)) }
            return true
        }
        return parts
    }
}
