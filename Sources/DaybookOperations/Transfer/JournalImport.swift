package import Daybook
internal import DaybookBSON
internal import DaybookMongo

/// The result of an import, or of a dry run.
package struct ImportReport: Sendable, Hashable {
    /// Events that were written.
    package var events = 0
    /// Identical events that were already stored.
    package var skippedEvents = 0
    package var aggregates = 0
    /// Types whose aggregates the program does not know, sorted. Their snapshots must be rebuilt by a program that
    /// does.
    package var unknownTypes: [AggregateType] = []
    package var isDryRun = false
}

/// The progress of an import.
package struct ImportProgress: Sendable, Hashable {
    package var lines: Int
    package var bytes: Int64
    /// Nil where it is not known, as for a pipe.
    package var totalBytes: Int64?
}

/// The aggregates whose snapshots lag behind the journal after an import, and must be rebuilt.
package struct ImportedAggregates: Sendable, Hashable {
    /// The types that the program knows and that keep snapshots. Sorted, never empty.
    package var types: [AggregateType]
    /// The aggregates' ids; empty when there are too many, and then all aggregates of the types are meant.
    package var ids: [AggregateID]
}

extension DaybookStore {
    /// Inserts the events of an export into the journal as they are: ids, versions, dates, metadata.
    ///
    /// An event is inserted only after its predecessor: for its aggregate the file has each version from 1, or from the
    /// version after the journal's last. An event that is already stored, to the byte, is skipped. So an interrupted
    /// import is completed by starting it again. Aggregates may come in any order, but the events of one must be
    /// together.
    ///
    /// The first wrong line ends the import: the events before that line are written, and none after it.
    ///
    /// No snapshot is written with the events, not even an inline one. Until `rebuild` is done, and when an error ends
    /// the import before that, the snapshots lag behind the journal: loads are right and queries are not. For the same
    /// reason a transaction's `guard` does not see an import: it protects against commits only.
    ///
    /// While some events are written, the next are read. It holds a few hundred events, and a number of eight bytes for
    /// each aggregate.
    ///
    /// - Parameters:
    ///   - isDryRun: Whether to check without writing. It cannot detect that two aggregates in the file have an event
    ///     with the same id, which the import would refuse.
    ///   - rebuild: Called at the end, unless the file was empty, with the aggregates whose snapshots are to be
    ///     rebuilt.
    /// - Throws: ``DaybookError``: `invalidImport` with the line and what is wrong with it; `conflict` with the line,
    ///   aggregate and version at which the journal has another event; `notInitialized`; any error of reaching the
    ///   server or of writing.
    package func importJournal(
        from input: InputFile, isDryRun: Bool = false, progress: (@Sendable (ImportProgress) -> Void)? = nil,
        rebuild: (ImportedAggregates) async throws -> Void
    ) async throws -> ImportReport {
        try await telemetry.perform("import") {
            var work = JournalImport(store: self, isDryRun: isDryRun, input: input, progress: progress)
            let (report, imported) = try await work.run()
            if let imported, !isDryRun { try await rebuild(imported) }
            return report
        }
    }
}

/// Reads events, checks them, and writes them while it reads the next.
private struct JournalImport {
    private let store: DaybookStore
    private let isDryRun: Bool
    private let progress: (@Sendable (ImportProgress) -> Void)?
    private let totalBytes: Int64?
    private var reader: LineReader
    private var order = EventOrder()
    private var counts = EventInsertion.Counts()
    private var types: Set<AggregateType> = []
    /// Nil when there are too many.
    private var ids: [AggregateID]? = []

    /// At most this many aggregates are listed for a rebuild. For more, rebuilding whole types is less work than
    /// finding each aggregate.
    private static let maximumIDs = 1_000

    init(store: DaybookStore, isDryRun: Bool, input: InputFile, progress: (@Sendable (ImportProgress) -> Void)?) {
        self.store = store
        self.isDryRun = isDryRun
        self.progress = progress
        totalBytes = input.size
        reader = LineReader(input)
    }

    mutating func run() async throws -> (ImportReport, ImportedAggregates?) {
        do {
            let store = store
            try await store.client.withConnection(.single) { try store.readiness.requireIndexes(on: $0) }
            if let fault = try await transfer() { throw fault }
        } catch let error as DaybookError {
            throw advised(error)
        } catch let error as MongoError {
            throw advised(DaybookError(error, operation: "import", aggregateID: nil))
        }
        let kept = store.aggregates.filter { types.contains($0.type) && $0.lifecycle != .live }.map { $0.type }
        var report = ImportReport(
            events: counts.inserted, skippedEvents: counts.skipped, aggregates: order.aggregates, isDryRun: isDryRun)
        report.unknownTypes = types.subtracting(store.aggregates.map { $0.type }).inOrder
        guard !kept.isEmpty else { return (report, nil) }
        return (
            report, ImportedAggregates(types: Set(kept).inOrder, ids: (ids ?? []).filter { kept.contains($0.type) })
        )
    }

    /// - Returns: The error of a wrong line. Everything before the line is written then.
    private mutating func transfer() async throws -> DaybookError? {
        try await withThrowingTaskGroup(of: EventInsertion.Counts.self) { group in
            var next: (batch: ImportBatch, fault: DaybookError?)
            repeat {
                next = try await nextBatch()
                // Write one batch after another, so that an event's predecessor is stored before it.
                if let done = try await group.next() { add(done) }
                let (batch, isDryRun, store) = (next.batch, isDryRun, store)
                if !batch.isEmpty { group.addTask { try await batch.write(to: store, isDryRun: isDryRun) } }
            } while !next.batch.isEmpty && next.fault == nil
            if let done = try await group.next() { add(done) }
            return next.fault
        }
    }

    private mutating func add(_ done: EventInsertion.Counts) {
        counts.inserted += done.inserted
        counts.skipped += done.skipped
    }

    /// The next events, and the error of the line after them if it is wrong. No events at the end.
    private mutating func nextBatch() async throws -> (batch: ImportBatch, fault: DaybookError?) {
        var batch = ImportBatch()
        do {
            while !batch.isFull, let line = try await reader.next() {
                // Ignore an empty line, such as an editor's at the end.
                guard line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") }) else { continue }
                try take(line, into: &batch)
            }
        } catch var error as DaybookError where error.code == .invalidImport {
            error.message = "line \(reader.number): \(error.message)"
            return (batch, error)
        }
        progress?(ImportProgress(lines: reader.number, bytes: reader.bytesRead, totalBytes: totalBytes))
        return (batch, nil)
    }

    private mutating func take(_ line: [UInt8], into batch: inout ImportBatch) throws {
        guard let text = String(validating: line, as: UTF8.self) else {
            throw DaybookError(.invalidImport, "it is not UTF-8")
        }
        let document: BSONDocument
        do {
            document = try ExportLine.document(of: text)
        } catch {
            throw DaybookError(.invalidImport, "it is not the extended JSON of an event: \(error)", underlying: error)
        }
        let event = try StoredEvent(checking: document)
        let begins = try order.accept(event)
        if begins {
            types.insert(event.aggregateID.type)
            if let known = ids { ids = known.count < Self.maximumIDs ? known + [event.aggregateID] : nil }
        }
        batch.append(event, line: reader.number, mustContinue: begins && event.version > 1)
    }

    /// The error with advice on what to do, and which snapshots lag until then.
    private func advised(_ error: DaybookError) -> DaybookError {
        guard !isDryRun else { return error }
        var error = error
        // A reason may be a sentence of its own, such as that of a line that is no JSON.
        if error.message.hasSuffix(".") { error.message.removeLast() }
        if error.code == .invalidImport || error.code == .conflict {
            error.message +=
                ". What stands before that line is in the journal, and nothing after it; start the import again when "
                + "that is put right."
        } else if !types.isEmpty {
            error.message +=
                ". A part of the file is in the journal; start the import again, which skips what is there."
        }
        guard !types.isEmpty else { return error }
        let names = types.inOrder.map(\.rawValue).joined(separator: ", ")
        error.message +=
            " Until an import has come to its end, or rebuild was run, the snapshots of what it wrote are behind the "
            + "journal, inline ones too (\(names))."
        return error
    }
}

/// Events that are written together.
private struct ImportBatch: Sendable {
    private var events: [StoredEvent] = []
    private var lines: [Int] = []
    /// The positions of events whose predecessors are not in the file.
    private var continuing: [Int] = []
    private var bytes = 0

    private static let maximumEvents = 1_000
    private static let maximumBytes = 8 * 1024 * 1024

    var isEmpty: Bool { events.isEmpty }
    var isFull: Bool { events.count >= Self.maximumEvents || bytes >= Self.maximumBytes }

    mutating func append(_ event: StoredEvent, line: Int, mustContinue: Bool) {
        if mustContinue { continuing.append(events.count) }
        events.append(event)
        lines.append(line)
        bytes += event.document.bytes.count
    }

    func write(to store: DaybookStore, isDryRun: Bool) async throws -> EventInsertion.Counts {
        do {
            return try await store.client.withConnection(.single) { connection in
                var counts = EventInsertion.Counts()
                let gap = try gap(in: store.journal, on: connection)
                let sound = events.prefix(gap?.place ?? events.count)
                if isDryRun {
                    try check(Array(sound), store.journal, &counts, on: connection)
                } else {
                    try EventInsertion(journal: store.journal).insert(sound, &counts, on: connection)
                }
                if let gap { throw gap.error }
                return counts
            }
        } catch var error as DaybookError {
            let place = events.firstIndex { event in
                event.version == error.version
                    && error.aggregateID.map(event.aggregateID.rawValue.hasSameBytes) ?? false
            }
            if let place { error.message = "line \(lines[place]): \(error.message)" }
            throw error
        }
    }

    private func check(
        _ events: [StoredEvent], _ journal: Journal, _ counts: inout EventInsertion.Counts,
        on connection: isolated MongoConnection
    ) throws {
        let comparison = EventComparison(journal: journal)
        if let conflict = try comparison.firstConflict(in: events, on: connection) { throw conflict }
        counts.skipped = try comparison.present(events, on: connection).count
        counts.inserted = events.count - counts.skipped
    }

    /// The first event whose predecessor is neither in the file nor in the journal.
    private func gap(in journal: Journal, on connection: isolated MongoConnection) throws -> (
        place: Int, error: DaybookError
    )? {
        let before = continuing.map { (aggregateID: events[$0].aggregateID, version: events[$0].version - 1) }
        let taken = try EventComparison(journal: journal).taken(before, on: connection)
        guard let missing = zip(continuing, taken).first(where: { !$0.1 })?.0 else { return nil }
        let event = events[missing]
        let head = try journal.head(of: event.aggregateID, on: connection)
        let here = head == 0 ? "nothing of it" : head < event.version ? "it up to version \(head)" : "a gap there too"
        let error = DaybookError(
            .invalidImport,
            "there is a gap: the file has the aggregate from version \(event.version) on, and this journal has \(here)",
            aggregateID: event.aggregateID.rawValue, version: event.version)
        return (missing, error)
    }
}

extension Set<AggregateType> {
    fileprivate var inOrder: [AggregateType] { sorted { $0.rawValue.utf8.lexicographicallyPrecedes($1.rawValue.utf8) } }
}
