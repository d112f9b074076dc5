internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// Keeps account of a reconciliation: what it has found, how far it came, and, where it repairs, its document in `daybook.runs`.
///
/// The document is written about once a second, so that a run which is killed has little to do twice.
actor RunRecord {
    private static let interval = Duration.seconds(1)

    private let store: DaybookStore
    private(set) var run: ReconcileRun
    private let isKept: Bool
    private let report: @Sendable (ReconcileProgress) -> Void
    private let totalEvents: Int
    private(set) var result = ReconcileReport()
    private var savedAt = ContinuousClock.now
    private var isSaving = false

    /// - Parameter isKept: Whether there is a document.
    init(
        _ run: ReconcileRun, isKept: Bool, totalEvents: Int, in store: DaybookStore,
        report: @escaping @Sendable (ReconcileProgress) -> Void
    ) {
        self.store = store
        self.run = run
        self.isKept = isKept
        self.totalEvents = totalEvents
        self.report = report
        if isKept { result.runID = run.id.uuidString.lowercased() }
    }

    /// Puts the document there, or takes over the one of a run that goes on.
    func begin(resuming: Bool) async throws {
        guard isKept else { return }
        if resuming { return try await save() }
        let document = try run.document
        let namespace = ReconcileRun.namespace(store.database)
        try await store.client.withConnection(.single) { try $0.insert([document], into: namespace) }
    }

    /// Notes what a part of the work has brought.
    ///
    /// - Parameters:
    ///   - part: The index of the part, and how far it is done; nil for what belongs to none.
    func advance(
        _ part: (index: Int, position: String?)?, checked: Int, events: Int, written: Int, findings: [Finding]
    ) async throws {
        if let part { run.parts[part.index].position = part.position ?? run.parts[part.index].position }
        run.checked += checked
        run.events += events
        run.written += written
        result.checked += checked
        result.events += events
        result.written += written
        for finding in findings {
            result.add(finding)
            run.counts[finding.kind, default: 0] += 1
        }
        tell()
        try await saveIfDue()
    }

    func finished(_ index: Int) async throws {
        run.parts[index].isDone = true
        try await saveIfDue()
    }

    /// Notes up to where the journal was followed.
    func followed(to token: ResumeToken, _ type: AggregateType) async throws {
        run.tokens[type.rawValue] = token.document
        try await saveIfDue()
    }

    /// Notes that some parts are begun anew, and from where on the journal is followed for them.
    func restart(_ parts: [Int], _ token: ResumeToken, _ type: AggregateType) async throws {
        for index in parts { (run.parts[index].position, run.parts[index].isDone) = (nil, false) }
        run.tokens[type.rawValue] = token.document
        try await save()
    }

    /// Notes that the new collection of a type is in its place and has everything.
    func swapped(_ type: AggregateType) async throws {
        run.swapped.append(type.rawValue)
        try await save()
    }

    func add(unknownTypes: [String]) {
        result.unknownTypes = unknownTypes
    }

    /// Notes how it ended.
    func end(_ status: ReconcileRun.Status, reason: String? = nil) async throws {
        run.status = status
        run.reason = reason
        run.endedAt = store.clock.now()
        try await save()
    }

    /// Writes the document now.
    func save() async throws {
        guard isKept else { return }
        run.updatedAt = store.clock.now()
        savedAt = .now
        let selector: BSONDocument = ["_id": .binary(BSONBinary(run.id))]
        let update: BSONDocument = ["$set": .document(try run.progress)]
        let namespace = ReconcileRun.namespace(store.database)
        _ = try await store.client.withConnection(.single) { connection in
            try connection.updateOne(selector, with: update, in: namespace)
        }
    }

    private func saveIfDue() async throws {
        guard isKept, !isSaving, ContinuousClock.now - savedAt >= Self.interval else { return }
        isSaving = true
        defer { isSaving = false }
        try await save()
    }

    private func tell() {
        report(
            ReconcileProgress(
                checked: run.checked, events: run.events, totalEvents: totalEvents, findings: result.total, written: run.written))
    }

    // MARK: Earlier runs

    /// The last run of the same work that did not come to its end; nil when there is none, or the program has changed since.
    static func unfinished(like run: ReconcileRun, in store: DaybookStore) async throws -> ReconcileRun? {
        let filter: BSONDocument = [
            "kind": .string(run.kind.rawValue), "swap": .bool(run.isSwap), "types": .array(run.types.map { .string($0) }),
            "ids": .array(run.ids.map { .string($0) }), "schemas": .array(run.schemas.map { .int32($0) }),
        ]
        let namespace = ReconcileRun.namespace(store.database)
        let last = try await store.client.withConnection(.single) { connection in
            try connection.findOne(filter, in: namespace, options: FindOptions(sort: [("_id", -1)])) { BSONDocument($0) }
        }
        guard let last = last.flatMap(ReconcileRun.init), last.status != .done, last.reason != givenUp else { return nil }
        return last
    }

    private static let givenUp = "it was given up, and all was begun anew"

    /// Notes that a run will not be gone on with.
    static func giveUp(_ run: ReconcileRun, in store: DaybookStore) async throws {
        let update: BSONDocument = ["$set": ["status": .string(ReconcileRun.Status.failed.rawValue), "reason": .string(givenUp)]]
        let namespace = ReconcileRun.namespace(store.database)
        _ = try await store.client.withConnection(.single) { connection in
            try connection.updateOne(["_id": .binary(BSONBinary(run.id))], with: update, in: namespace)
        }
    }
}
