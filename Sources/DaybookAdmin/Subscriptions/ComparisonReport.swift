internal import Daybook
internal import DaybookBSON
internal import DaybookSubscriptions

/// What the comparison of subscriptions or of projections with the journal has found, and what was done: printed in the
/// form of `verify`, `patch` and `rebuild`.
struct ComparisonReport {
    /// What is wrong with one aggregate's posting, or with one document.
    struct Finding {
        /// The subscription or projection, the aggregate or document, and the kind.
        let owner: String, subject: String, kind: String
        let detail: String
        /// What was done or would be, or why nothing.
        var repair: Repair?
        var document: BSONDocument
    }

    struct Repair {
        let action: String
        var text: String
        var reason: String?
    }

    /// What was done besides the comparison.
    struct Work {
        let isDryRun: Bool
        /// What is counted as done: its name in JSON, its unit in the singular, and what was done with it.
        let key: String, unit: String, verb: String
        var done = 0
        var runs: [String] = []
    }

    /// What was compared, in the singular.
    let unit: String
    /// What is said when nothing was found.
    let praise: String
    private(set) var checked = 0, events = 0, parked = 0, unrepaired = 0
    private(set) var counts: [(kind: String, count: Int)]
    private(set) var findings: [Finding] = []
    private(set) var work: Work?
    private(set) var duration = Duration.zero

    /// How many findings there are in all.
    var total: Int { counts.reduce(0) { $0 + $1.count } }

    // MARK: Text

    var lines: [String] {
        let cells = findings.map {
            [$0.owner, $0.subject, $0.kind, $0.detail + ($0.repair.map { "; \($0.text)" } ?? "")]
        }
        var lines = Text.table(cells.map { $0.map(Text.plain) })
        if total > findings.count { lines.append("and \(total - findings.count) more") }
        return lines + [summary]
    }

    private var summary: String {
        let seconds = Text.seconds(Text.roundedSeconds(duration / .seconds(1)))
        var text = "checked \(Text.counted(checked, unit)) with \(Text.counted(events, "event")) in \(seconds): "
        let kinds = counts.filter { $0.count > 0 }.map { "\($0.count) \($0.kind)" }.joined(separator: ", ")
        text += total == 0 ? praise : "\(Text.counted(total, "finding")) (\(kinds))"
        if parked > 0 {
            text += "\(total == 0 ? " but" : ";") \(Text.counted(parked, "parked aggregate")), see dead-letters list"
        }
        guard let work else { return text }
        text += work.isDryRun ? "; nothing was written" : "; \(Text.counted(work.done, work.unit)) \(work.verb)"
        // With projections, what is left is what is parked, which was said.
        if unrepaired > 0, work.key == "delivered" { text += ", \(unrepaired) left" }
        return text
    }

    // MARK: JSON

    /// One object: `checked`, `events`, `counts` of every kind, `findings`, and then what was done.
    var document: BSONDocument {
        get throws {
            var counts = BSONDocument()
            for (kind, count) in self.counts { try counts.append(kind, .int64(Int64(count))) }
            var document: BSONDocument = [
                "checked": .int64(Int64(checked)), "events": .int64(Int64(events)), "counts": .document(counts),
                "findings": .array(try findings.map { .document(try Self.document($0)) }),
            ]
            if total > findings.count { try document.append("omitted", .int64(Int64(total - findings.count))) }
            try document.append("parked", .int64(Int64(parked)))
            if let work {
                try document.append("dryRun", .bool(work.isDryRun))
                try document.append(work.key, .int64(Int64(work.done)))
                try document.append("unrepaired", .int64(Int64(unrepaired)))
                if !work.runs.isEmpty { try document.append("runs", .array(work.runs.map { .string($0) })) }
            }
            try document.append("seconds", .double(Text.roundedSeconds(duration / .seconds(1))))
            return document
        }
    }

    private static func document(_ finding: Finding) throws -> BSONDocument {
        var document = finding.document
        try document.append("detail", .string(finding.detail))
        guard let repair = finding.repair else { return document }
        var done: BSONDocument = ["action": .string(repair.action)]
        try done.append("reason", ifPresent: repair.reason.map { .string($0) })
        try document.append("repair", .document(done))
        return document
    }

    func print(json: Bool) async throws {
        try await StandardOutput.write { output in
            if json { return try output.json(document) }
            for line in lines { try output.line(line) }
        }
    }
}

// MARK: - Subscriptions

extension ComparisonReport {
    /// - Parameter isDryRun: Of a patch; nil for a verification.
    init(_ reports: [SubscriptionReport], isDryRun: Bool? = nil) {
        unit = "aggregate"
        praise = "all is handled"
        counts = PostingFinding.Kind.allCases.map { kind in
            (kind.rawValue, reports.reduce(0) { $0 + ($1.counts[kind] ?? 0) })
        }
        if let isDryRun { work = Work(isDryRun: isDryRun, key: "delivered", unit: "event", verb: "delivered") }
        for report in reports {
            checked += report.checked
            events += report.events
            parked += report.parked
            duration += report.duration
            work?.done += report.delivered
            unrepaired += report.unrepaired
            findings += report.findings.map { Finding($0, of: report.name, isDryRun: isDryRun) }
        }
    }
}

extension ComparisonReport.Finding {
    fileprivate init(_ finding: PostingFinding, of name: String, isDryRun: Bool?) {
        owner = name
        subject = finding.aggregateID
        kind = finding.kind.rawValue
        let posted = "it counts as handled up to version \(finding.posted)"
        detail =
            finding.kind == .orphan
            ? "\(posted), and no such aggregate is the subscription's"
            : "\(posted), and the journal is at \(finding.head)"
        document = [
            "subscription": .string(name), EventKey.aggregateID: .string(finding.aggregateID), "kind": .string(kind),
            "postedVersion": .int64(finding.posted), "journalVersion": .int64(finding.head),
        ]
        guard let isDryRun else { return }
        let unknown = "it is not known what was handled"
        repair =
            finding.kind == .behind
            ? ComparisonReport.Repair(action: "deliver", text: isDryRun ? "would be delivered" : "delivered")
            : ComparisonReport.Repair(action: "none", text: "left: \(unknown)", reason: unknown)
    }
}

// MARK: - Projections

extension ComparisonReport {
    /// What is done with the documents that were made anew.
    enum ProjectionWork {
        case patch(isDryRun: Bool)
        case rebuild
    }

    /// - Parameter work: Nil for a verification.
    init(_ reports: [ProjectionReport], _ work: ProjectionWork? = nil) {
        unit = "document"
        if case .rebuild = work { praise = "all is made anew" } else { praise = "all is what the journal says" }
        counts = ProjectionFinding.Kind.allCases.map { kind in
            (kind.rawValue, reports.reduce(0) { $0 + ($1.counts[kind] ?? 0) })
        }
        var isDryRun: Bool?
        if let work {
            if case .patch(let isDry) = work { isDryRun = isDry }
            self.work = Work(
                isDryRun: isDryRun ?? false, key: "written", unit: "document", verb: "written",
                runs: reports.compactMap(\.runID)
            )
        }
        for report in reports {
            checked += report.checked
            events += report.events
            parked += report.parked
            duration += report.duration
            if report.isReplaced { self.work?.done += report.checked }
            findings += report.findings.map { Finding($0, of: report.name, isDryRun: isDryRun) }
        }
        // What could not be handled is missing in what was made.
        if work != nil { unrepaired = parked }
    }
}

extension ComparisonReport.Finding {
    fileprivate init(_ finding: ProjectionFinding, of name: String, isDryRun: Bool?) {
        owner = name
        subject = finding.key
        kind = finding.kind.rawValue
        let (events, expected) = (finding.events ?? 0, finding.expected ?? 0)
        let repair: (action: String, done: String)
        switch finding.kind {
        case .behind:
            (detail, repair) = (
                "it includes \(events) of \(Text.counted(Int(expected), "event"))", ("replace", "replaced")
            )
        case .different:
            let places = finding.differences.map {
                "\($0.path.isEmpty ? "it" : $0.path) is \($0.stored ?? "none"), should be \($0.expected ?? "none")"
            }
            let shown = (places + (finding.hasMoreDifferences ? ["and more"] : [])).joined(separator: "; ")
            (detail, repair) = ("it is not what its events make: \(shown)", ("replace", "replaced"))
        case .missing:
            (detail, repair) = (
                "there is no document of its \(Text.counted(Int(expected), "event"))", ("insert", "inserted")
            )
        case .orphan: (detail, repair) = ("there is a document, and no event makes it", ("delete", "deleted"))
        }
        document = ["projection": .string(name), "key": .string(finding.key), "kind": .string(kind)]
        // Appending fails only for a key with NUL or at 2 GiB; neither can happen here.
        for (key, value) in [("events", finding.events), ("expectedEvents", finding.expected)] {
            try? document.append(key, ifPresent: value.map { .int64($0) })
        }
        if !finding.differences.isEmpty {
            let places = finding.differences.map { difference -> BSONValue in
                var place: BSONDocument = ["path": .string(difference.path)]
                try? place.append("stored", ifPresent: difference.stored.map { .string($0) })
                try? place.append("expected", ifPresent: difference.expected.map { .string($0) })
                return .document(place)
            }
            try? document.append("differences", .array(places))
        }
        if let isDryRun {
            self.repair = ComparisonReport.Repair(
                action: repair.action, text: isDryRun ? "would be \(repair.done)" : repair.done)
        }
    }
}
