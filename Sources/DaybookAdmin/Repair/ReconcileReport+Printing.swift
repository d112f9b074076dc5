internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookOperations

extension ReconcileReport {
    func print(isRepair: Bool, isDryRun: Bool = false, json: Bool) async throws {
        let printing = ReportPrinting(report: self, isRepair: isRepair, isDryRun: isDryRun)
        try await StandardOutput.write { output in
            if json { try output.json(printing.document) } else { try printing.print(to: output) }
        }
    }

    /// Fails the command when an id has neither events nor a snapshot: it is usually mistyped. Everything else is done
    /// and printed by now.
    func requireAllThere() throws {
        guard let first = absentIDs.first else { return }
        let more = absentIDs.count > 1 ? " (nor of \(absentIDs.count - 1) more)" : ""
        throw CommandFailure("there is neither an event nor a snapshot of \(Text.plain(first))\(more): is that its id?")
    }
}

/// A report as text, and as JSON.
private struct ReportPrinting {
    let report: ReconcileReport
    /// Whether snapshots are written: the report then includes what was done.
    let isRepair: Bool
    var isDryRun = false

    // MARK: JSON

    /// One object: `checked`, `events`, `counts` of every kind, `findings`, and then what was done.
    var document: BSONDocument {
        get throws {
            var counts = BSONDocument()
            for kind in Finding.Kind.allCases {
                try counts.append(kind.rawValue, .int64(Int64(report.counts[kind] ?? 0)))
            }
            var document: BSONDocument = [
                "checked": .int64(Int64(report.checked)), "events": .int64(Int64(report.events)),
                "counts": .document(counts),
                "findings": .array(try report.findings.map { .document(try json($0)) }),
            ]
            if report.omitted > 0 { try document.append("omitted", .int64(Int64(report.omitted))) }
            if report.cutFindings > 0 { try document.append("cut", .int64(Int64(report.cutFindings))) }
            if !report.absentIDs.isEmpty {
                try document.append("absent", .array(report.absentIDs.map { .string($0) }))
            }
            if isRepair {
                try document.append("dryRun", .bool(isDryRun))
                try document.append("written", .int64(Int64(report.written)))
                try document.append("unrepaired", .int64(Int64(report.unrepaired)))
                if let run = report.runID { try document.append("run", .string(run)) }
                if let earlier = report.earlier {
                    try document.append(
                        "earlier",
                        [
                            "startedAt": .string(earlier.startedAt.rfc3339),
                            "updatedAt": .string(earlier.updatedAt.rfc3339),
                            "checked": .int64(Int64(earlier.checked)), "events": .int64(Int64(earlier.events)),
                            "written": .int64(Int64(earlier.written)),
                        ])
                }
            }
            if !report.unknownTypes.isEmpty {
                try document.append("unknownTypes", .array(report.unknownTypes.map { .string($0) }))
            }
            try document.append("seconds", .double(seconds))
            return document
        }
    }

    private func json(_ finding: Finding) throws -> BSONDocument {
        var document: BSONDocument = [
            EventKey.aggregateID: .string(finding.aggregateID), "kind": .string(finding.kind.rawValue),
        ]
        try document.append("snapshotVersion", ifPresent: finding.snapshotVersion.map { .int64($0) })
        try document.append("journalVersion", ifPresent: finding.journalVersion.map { .int64($0) })
        if finding.kind == .diverged, !finding.differences.isEmpty {
            let places = try finding.differences.map { difference -> BSONValue in
                var place: BSONDocument = ["path": .string(difference.path)]
                try place.append("stored", ifPresent: difference.stored)
                try place.append("expected", ifPresent: difference.expected)
                if difference.isCut { try place.append("cut", true) }
                return .document(place)
            }
            try document.append("detail", .array(places))
        } else {
            try document.append("detail", .string(finding.detail))
        }
        if finding.isCut { try document.append("cut", true) }
        guard let repair = finding.repair else { return document }
        var done: BSONDocument = ["action": .string(repair.action.rawValue)]
        try done.append("reason", ifPresent: repair.reason.map { .string($0) })
        try done.append("write", ifPresent: repair.write.map { .document($0) })
        try document.append("repair", .document(done))
        return document
    }

    // MARK: Text

    func print(to output: StandardOutput) throws {
        let ids = report.findings.map { Text.plain($0.aggregateID) }
        let (idWidth, kindWidth) = (
            min(48, ids.map(\.count).max() ?? 0), report.findings.map(\.kind.rawValue.count).max() ?? 0
        )
        for (id, finding) in zip(ids, report.findings) {
            var line =
                "\(Text.padded(id, idWidth))  \(Text.padded(finding.kind.rawValue, kindWidth))  "
                + "\(Text.plain(finding.detail))"
            if let repair = finding.repair { line += "; \(said(of: repair))" }
            try output.line(line)
            for difference in finding.differences {
                let path = Text.plain(difference.path)
                guard !difference.isCut else {
                    try output.line("    \(path)  differs, by more than is shown")
                    continue
                }
                try output.line("    \(path)  is \(shown(difference.stored)), should be \(shown(difference.expected))")
            }
            if finding.isCut { try output.line("    cut: there is more than a report shows") }
            if let write = finding.repair?.write { try output.line("    \(try write.extendedJSON(.relaxed))") }
        }
        if report.omitted > 0 { try output.line("and \(report.omitted) more") }
        if report.cutFindings > 0 {
            try output.line(
                "\(counted(report.cutFindings, "finding")) shown in part, since the report would be too large")
        }
        for id in report.absentIDs {
            try output.line("not there: \(Text.plain(id)), of which there is neither an event nor a snapshot")
        }
        for type in report.unknownTypes {
            try output.line(
                "not looked at: aggregates of the type \"\(Text.plain(type))\", which this program does not know")
        }
        try output.line(summary)
    }

    private func shown(_ value: BSONValue?) -> String { value.map { $0.shown() } ?? "none" }

    private func said(of repair: Finding.Repair) -> String {
        switch repair.action {
        case .insert: isDryRun ? "would be inserted" : "inserted"
        case .update: isDryRun ? "would be updated by" : "updated"
        case .replace: isDryRun ? "would be replaced by" : "replaced"
        case .delete: isDryRun ? "would be deleted" : "deleted"
        case .none: "left: \(repair.reason ?? "")"
        }
    }

    private var seconds: Double { Text.roundedSeconds(report.duration / .seconds(1)) }

    private var summary: String {
        let kinds = Finding.Kind.allCases.compactMap { kind in report.counts[kind].map { "\($0) \(kind.rawValue)" } }
        let time = Text.seconds(seconds)
        var text =
            "checked \(counted(report.checked, "aggregate")) with \(counted(report.events, "event")) in \(time): "
        text +=
            report.isClean
            ? "all is what the journal says"
            : counted(report.total, "finding") + (kinds.isEmpty ? "" : " (\(kinds.joined(separator: ", ")))")
        if isDryRun {
            text += "; nothing was written"
        } else if isRepair {
            text += "; \(counted(report.written, "snapshot")) written"
        }
        if report.unrepaired > 0 { text += ", \(report.unrepaired) left" }
        if let earlier = report.earlier {
            text +=
                "; before that, until \(earlier.updatedAt.rfc3339), the same run had checked "
                + "\(counted(earlier.checked, "aggregate")) and written \(counted(earlier.written, "snapshot"))"
        }
        return text
    }

    private func counted(_ count: Int, _ what: String) -> String { Text.counted(count, what) }
}
