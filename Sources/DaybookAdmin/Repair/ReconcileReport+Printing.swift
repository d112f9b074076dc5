internal import ArgumentParser
internal import Daybook
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
