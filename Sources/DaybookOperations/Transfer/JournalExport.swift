package import Daybook
internal import DaybookBSON
internal import DaybookMongo

/// The result of an export.
package struct ExportReport: Sendable, Hashable {
    package var events = 0
    package var aggregates = 0
    package var bytes: Int64 = 0
    /// Events whose lines have bytes, because their extended JSON would not parse to the same bytes; see
    /// ``ExportLine``.
    package var eventsAsBytes = 0
    /// Those of the requested types that have no events.
    package var emptyTypes: [AggregateType] = []
    /// Events that an import will refuse, because the journal is damaged. They are exported all the same.
    package var faults = 0
    /// The first of them, described as an import would.
    package var firstFault: String?
}

/// The progress of an export.
package struct ExportProgress: Sendable, Hashable {
    package var events: Int
    /// The approximate number of events; nil where only some types are exported.
    package var totalEvents: Int?
}

extension DaybookStore {
    /// Exports the journal as lines of extended JSON, one for each event, in the order of aggregate and version: see
    /// ``ExportLine``.
    ///
    /// It holds a few hundred events at a time. For each aggregate it includes everything that was committed before the
    /// export began, without a gap. Commits that are made during the export may be included, and of a commit on several
    /// aggregates perhaps only some events. A second export, imported after the first, completes those.
    ///
    /// - Parameters:
    ///   - types: Only aggregates of these types, whether or not the program knows them; all when empty.
    ///   - write: Called with many lines at a time, each with its newline.
    /// - Throws: ``DaybookError``: `notInitialized` for a database without a journal; `invalidArgument` for a type that
    ///   has no events and that the program does not know, because such a type is usually mistyped. What `write`
    ///   throws.
    package func exportJournal(
        types: [AggregateType] = [], progress: (@Sendable (ExportProgress) -> Void)? = nil,
        to write: (_ lines: [UInt8]) throws -> Void
    ) async throws -> ExportReport {
        try await telemetry.perform("export") {
            var report = ExportReport()
            try await requireExportable(types)
            guard types.isEmpty else {
                // The ids of `a-b` come before those of `a`.
                for type in Set(types).sorted(by: { IDRange($0).lower.isBefore(IDRange($1).lower) }) {
                    let before = report.events
                    let filter: BSONDocument = [EventKey.aggregateID: .document(Journal.ids(of: type))]
                    try await export(filter, nil, &report, progress, write)
                    if report.events == before { report.emptyTypes.append(type) }
                }
                return report
            }
            let total = progress == nil ? nil : try await countedEvents()
            try await export([:], total, &report, progress, write)
            return report
        }
    }

    private func requireExportable(_ types: [AggregateType]) async throws {
        let known = Set(aggregates.map { $0.type })
        try await client.withConnection(.single) { connection in
            try readiness.requireJournal(on: connection)
            let doubtful = types.filter { !known.contains($0) }
            guard !doubtful.isEmpty else { return }
            let there = Set(try journal.typeNames(on: connection))
            if let absent = doubtful.first(where: { !there.contains($0.rawValue) }) {
                throw DaybookError(.invalidArgument, Self.absent(absent, among: there))
            }
        }
    }

    /// The approximate number of the journal's events, from the collection's metadata.
    private func countedEvents() async throws -> Int {
        let namespace = journal.namespace
        return try await client.withConnection(.single) { connection in
            Int(
                try connection.read(["count": .string(namespace.collection)], database: namespace.database)["n"]?.number
                    ?? 0)
        }
    }

    private func export(
        _ filter: BSONDocument, _ total: Int?, _ report: inout ExportReport, _ progress: ((ExportProgress) -> Void)?,
        _ write: ([UInt8]) throws -> Void
    ) async throws {
        let options = FindOptions(sort: Journal.inAggregateOrder)
        let events = client.find(filter, in: journal.namespace, options: options) {
            try ExportedEvent(BSONDocument($0))
        }
        var order = EventOrder(remembersAggregates: false)
        var lines: [UInt8] = []
        for try await event in events {
            lines += event.line
            report.events += 1
            if event.hasBytes { report.eventsAsBytes += 1 }
            if let fault = event.fault(in: &order) {
                report.faults += 1
                report.firstFault = report.firstFault ?? fault.described(atLine: report.events)
            }
            guard lines.count >= 1 << 18 else { continue }
            try send(&lines, &report, write)
            progress?(ExportProgress(events: report.events, totalEvents: total))
        }
        try send(&lines, &report, write)
        report.aggregates += order.aggregates
        progress?(ExportProgress(events: report.events, totalEvents: total))
    }

    private func send(_ lines: inout [UInt8], _ report: inout ExportReport, _ write: ([UInt8]) throws -> Void) throws {
        guard !lines.isEmpty else { return }
        try write(lines)
        report.bytes += Int64(lines.count)
        lines.removeAll(keepingCapacity: true)
    }
}

/// An event's line, made on the connection's thread.
private struct ExportedEvent: Sendable {
    let line: [UInt8]
    let hasBytes: Bool
    let event: Result<StoredEvent, DaybookError>

    init(_ document: BSONDocument) throws {
        let (text, hasBytes) = try ExportLine.text(of: document)
        line = Array(text.utf8) + [UInt8(ascii: "\n")]
        self.hasBytes = hasBytes
        event = Result { () throws(DaybookError) in try StoredEvent(checking: document) }
    }

    /// Why an import into an empty journal would refuse the event; nil when it would not.
    func fault(in order: inout EventOrder) -> DaybookError? {
        guard case .success(let event) = self.event else { return self.event.failure }
        do {
            guard try order.accept(event), event.version > 1 else { return nil }
        } catch {
            return error
        }
        return DaybookError(
            .invalidImport, "there is a gap: its first version in the journal is \(event.version)",
            aggregateID: event.aggregateID.rawValue, version: event.version)
    }
}

extension Result {
    fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}

extension DaybookError {
    /// `line 12 (license/L-1 at version 3): there is a gap`
    func described(atLine line: Int) -> String {
        var place = "line \(line)"
        if let aggregateID { place += " (\(aggregateID)\(version.map { " at version \($0)" } ?? ""))" }
        return "\(place): \(message)"
    }
}
