internal import Daybook
public import Foundation

/// What a reconciliation has found, and done.
public struct ReconcileReport: Sendable {
    /// How many aggregates were looked at, and orphans.
    public internal(set) var checked = 0
    /// How many events were read.
    public internal(set) var events = 0
    /// How many findings there are of each kind; those of which there are none are left out.
    public internal(set) var counts: [Finding.Kind: Int] = [:]
    /// The findings, by the bytes of their ids; at most ``maximumFindings``.
    public internal(set) var findings: [Finding] = []
    /// How many snapshots were written or deleted.
    public internal(set) var written = 0
    /// How many of the findings were left as they are; of a repair.
    public internal(set) var unrepaired = 0
    /// How long it took.
    public internal(set) var duration = Duration.zero
    /// The record of the run in `daybook.runs`; nil where none was made, as of `verify` and of a dry run.
    public internal(set) var runID: String?
    /// What an earlier run of the same work had done, which this one continued; it is not counted in the other numbers.
    public internal(set) var earlier: Earlier?
    /// How many of the findings show less than there is, because the report would be too large; see ``Finding/isCut``.
    public internal(set) var cutFindings = 0
    /// Of the aggregates that were asked for, those of which there is neither an event nor a snapshot: mistyped,
    /// mostly.
    public internal(set) var absentIDs: [String] = []
    /// Types of aggregates that the journal has and this program does not know; they were not looked at.
    public internal(set) var unknownTypes: [String] = []

    /// How far an earlier run had come.
    public struct Earlier: Sendable {
        /// When it was begun.
        public internal(set) var startedAt: Date
        /// When it last noted how far it was.
        public internal(set) var updatedAt: Date
        /// How many aggregates it had looked at, events read and snapshots written.
        public internal(set) var checked: Int, events: Int, written: Int
    }

    /// Beyond these, findings are counted and not kept: a report must not grow with the journal.
    public static let maximumFindings = 10_000
    /// Beyond so many bytes of snapshots, findings are kept without what the snapshots hold.
    private static let maximumContentBytes = 64 << 20
    private var contentBytes = 0

    /// How many findings there are in all.
    public var total: Int { counts.values.reduce(0, +) }

    /// How many findings were counted and not kept.
    public var omitted: Int { total - findings.count }

    /// Whether nothing is wrong, and all that was asked for is there.
    public var isClean: Bool { total == 0 && absentIDs.isEmpty }

    mutating func add(_ finding: Finding) {
        counts[finding.kind, default: 0] += 1
        if finding.repair?.action == Finding.Repair.Action.none { unrepaired += 1 }
        guard findings.count < Self.maximumFindings else { return }
        var kept = finding
        let bytes = kept.contentBytes
        if bytes > Self.maximumContentBytes - contentBytes { kept.cut() } else { contentBytes += bytes }
        if kept.isCut { cutFindings += 1 }
        findings.append(kept)
    }
}

/// How far a reconciliation has come.
public struct ReconcileProgress: Sendable {
    /// Aggregates so far.
    public var checked = 0
    /// Events read so far; of a run that goes on, those of before are among them.
    public var events = 0
    /// About how many events there are to read; 0 when that is not known.
    public var totalEvents = 0
    /// Findings so far.
    public var findings = 0
    /// Snapshots written so far.
    public var written = 0
}

extension ReconcileReport {
    /// Makes the report of a job while it works, says how far it is, and keeps the record of its run up to date.
    actor Builder {
        let record: MaintenanceRun.Record
        private(set) var result = ReconcileReport()
        /// With what an earlier run had done, where this one continues it.
        private var progress: ReconcileProgress
        private let onProgress: @Sendable (ReconcileProgress) -> Void

        /// - Parameters:
        ///   - isKept: Whether the run has a document.
        ///   - interval: How often that is written.
        init(
            _ run: MaintenanceRun, isKept: Bool, totalEvents: Int, in log: any RunLog,
            every interval: Duration = .seconds(1),
            onProgress: @escaping @Sendable (ReconcileProgress) -> Void
        ) {
            record = MaintenanceRun.Record(run, isKept: isKept, in: log, every: interval)
            progress = ReconcileProgress(
                checked: run.checked, events: run.events, totalEvents: totalEvents, findings: 0, written: run.written)
            self.onProgress = onProgress
            if isKept { result.runID = run.id.uuidString.lowercased() }
        }

        /// Notes what a part of the work has brought; see
        /// ``MaintenanceRun/Record/advance(part:to:checked:events:written:findings:)``.
        func advance(
            part: Int?, to position: String?, checked: Int, events: Int, written: Int, findings: [Finding]
        ) async throws {
            result.checked += checked
            result.events += events
            result.written += written
            for finding in findings { result.add(finding) }
            progress.checked += checked
            progress.events += events
            progress.written += written
            progress.findings = result.total
            onProgress(progress)
            try await record.advance(
                part: part, to: position, checked: checked, events: events, written: written,
                findings: findings.map(\.kind.rawValue))
        }

        func add(earlier run: MaintenanceRun) {
            result.earlier = Earlier(
                startedAt: run.startedAt, updatedAt: run.updatedAt, checked: run.checked, events: run.events,
                written: run.written)
        }

        /// Where each part is one aggregate: notes those of which nothing was there.
        func noteAbsentIDs() async {
            result.absentIDs = await record.absentIDs
        }

        func add(unknownTypes: [String]) {
            result.unknownTypes = unknownTypes
        }
    }
}
