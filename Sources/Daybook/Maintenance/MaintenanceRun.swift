package import DaybookBSON
package import DaybookMongo
public import Foundation

/// The record of long work on a database, such as a rebuild: a document of `daybook.runs`, kept up to date while it
/// works and kept when it has ended.
///
/// `{ _id, kind, swap, types, ids, schemas, program, by, why, status, holder, startedAt, updatedAt, endedAt, checked,
/// events, written, counts, reason, ranges, tokens, builds: { <type>: { collection, uuid } }, refused: { <type>: [id]
/// }, swapped }`
public struct MaintenanceRun: Sendable {
    /// What it does. A later version of Daybook may have kinds that this one does not know.
    public struct Kind: RawRepresentable, Sendable, Hashable {
        /// Snapshots that are wrong are put right.
        public static let patch = Kind(rawValue: "patch")
        /// Every snapshot is made again from the journal.
        public static let rebuild = Kind(rawValue: "rebuild")
        /// A projection is removed, with its documents.
        public static let drop = Kind(rawValue: "drop")

        /// The name, as it is stored.
        public let rawValue: String

        /// A kind by its stored name.
        public init(rawValue: String) { self.rawValue = rawValue }
    }

    /// How it stands.
    public enum Status: String, Sendable {
        /// It works, or its process died: see ``MaintenanceRun/updatedAt``.
        case running
        /// It came to its end.
        case done
        /// It was told to stop.
        case interrupted
        /// It could not go on; ``MaintenanceRun/reason`` says why.
        case failed
    }

    /// A part of the work: some ids that follow one another.
    package struct Part: Sendable {
        package internal(set) var type: String
        package internal(set) var range: IDRange
        /// The last aggregate that is done; nil before the first.
        package internal(set) var position: String?
        package internal(set) var isDone = false

        package init(type: String, range: IDRange) {
            self.type = type
            self.range = range
        }
    }

    /// A UUID of version 7: runs are listed by it, the newest first.
    public let id: UUID
    /// What it does.
    public let kind: Kind
    /// Whether a complete collection is built beside the one in use.
    public package(set) var isSwap = false
    /// The kinds of aggregates that it is about, and the aggregates where it is only about some.
    public let types: [String], ids: [String]
    /// The declared `stateSchema` of each type: what was made by another program is not continued.
    package var schemas: [Int32] = []
    /// The fingerprint of the program that began it; nil where it could not be taken.
    package var program: String?
    /// Who wanted it, and why; nil where that was not said.
    public package(set) var by: String?, why: String?
    /// How it stands.
    public internal(set) var status = Status.running
    /// The machine, the process and the store that works at it.
    public internal(set) var holder: String
    /// When it began, by the server's clock.
    public let startedAt: Date
    /// When its progress was last saved.
    public internal(set) var updatedAt: Date
    /// When it ended; nil while it runs.
    public internal(set) var endedAt: Date?
    /// How many aggregates were looked at, events read and snapshots written; of a projection, how many documents were
    /// looked at, events handled and documents written.
    public internal(set) var checked = 0, events = 0, written = 0
    /// How many findings there were of each kind, by the kind's name: each kind of work has kinds of findings of its
    /// own.
    package internal(set) var countsByName: [String: Int] = [:]
    /// Why it failed.
    public internal(set) var reason: String?
    package var parts: [Part] = []
    /// Of a swap: up to where the journal was followed, for each type that was begun.
    package internal(set) var tokens: [String: BSONDocument] = [:]
    /// Of a swap: the collection that was built for each type that was begun.
    package internal(set) var builds: [String: SnapshotBuild] = [:]
    /// Of a swap: the aggregates of each type whose snapshots a unique index of the operator's has refused, until now.
    var refused: [String: [String]] = [:]
    /// Of a swap: the types that are done.
    package internal(set) var swapped: [String] = []

    /// How much of the ids is done, from 0 to 1, by its parts; nil for work without parts, such as a projection's.
    public var completion: Double? {
        parts.isEmpty ? nil : Double(parts.count(where: \.isDone)) / Double(parts.count)
    }

    package init(_ kind: Kind, of types: [String], ids: [String] = [], id: UUID, holder: String, at now: Date) {
        self.kind = kind
        self.types = types
        self.ids = ids
        self.id = id
        self.holder = holder
        startedAt = now
        updatedAt = now
    }
}

// MARK: Its record while it works

extension MaintenanceRun {
    /// Keeps account of how far a run came, and, where the run writes, its document in `daybook.runs`.
    ///
    /// The document is written about once a second, so that a run which is killed has little to do twice.
    package actor Record {
        private let log: any RunLog
        private let interval: Duration
        package private(set) var run: MaintenanceRun
        private let isKept: Bool
        private var savedAt = ContinuousClock.now
        private var isSaving = false
        private var waitsForSaving: [CheckedContinuation<Void, Never>] = []
        /// The parts in which there was anything, now or in an earlier run.
        private var found: Set<Int>

        /// - Parameters:
        ///   - isKept: Whether there is a document.
        ///   - interval: How often it is written.
        package init(_ run: MaintenanceRun, isKept: Bool, in log: any RunLog, every interval: Duration = .seconds(1)) {
            self.log = log
            self.interval = interval
            self.run = run
            self.isKept = isKept
            found = Set(run.parts.indices.filter { run.parts[$0].isDone || run.parts[$0].position != nil })
        }

        /// Notes what a part of the work has brought.
        ///
        /// - Parameters:
        ///   - part: The index of the part; nil for what belongs to none.
        ///   - position: How far the part is done.
        ///   - findings: The name of each finding's kind.
        package func advance(
            part: Int?, to position: String?, checked: Int, events: Int, written: Int, findings: [String]
        ) async throws {
            if let part {
                run.parts[part].position = position ?? run.parts[part].position
                found.insert(part)
            }
            run.checked += checked
            run.events += events
            run.written += written
            for kind in findings { run.countsByName[kind, default: 0] += 1 }
            try await saveIfDue()
        }

        /// Notes how much is done in all. What an earlier process has noted is replaced.
        package func reached(checked: Int? = nil, events: Int? = nil, written: Int? = nil) async throws {
            run.checked = checked ?? run.checked
            run.events = events ?? run.events
            run.written = written ?? run.written
            try await saveIfDue()
        }

        package func finished(_ index: Int) async throws {
            run.parts[index].isDone = true
            try await saveIfDue()
        }

        /// Notes up to where the journal was followed.
        package func followed(to token: ResumeToken, _ type: AggregateType) async throws {
            run.tokens[type.rawValue] = token.document
            try await saveIfDue()
        }

        /// Notes that some parts are begun anew, in which collection, and from where on the journal is followed for
        /// them.
        package func restart(_ parts: [Int], _ type: AggregateType, in build: SnapshotBuild, from token: ResumeToken)
            async throws
        {
            for index in parts { run.parts[index] = Part(type: run.parts[index].type, range: run.parts[index].range) }
            run.tokens[type.rawValue] = token.document
            run.builds[type.rawValue] = build
            run.refused[type.rawValue] = nil
            try await save()
        }

        /// Notes what the collection is named now that is built for a type.
        package func moved(_ build: SnapshotBuild, _ type: AggregateType) async throws {
            run.builds[type.rawValue] = build
            try await save()
        }

        /// Notes that the build of a type is of no use any more.
        package func abandoned(_ type: AggregateType) {
            run.tokens[type.rawValue] = nil
        }

        /// The aggregates of a type whose snapshots a unique index of the operator's has refused; they are tried again.
        package func refused(_ type: AggregateType) -> [AggregateID] {
            (run.refused[type.rawValue] ?? []).compactMap { try? AggregateID(parsing: $0) }
        }

        /// Notes that these are refused. Note it before the part that they are in is noted as done: a run that is
        /// resumed has to know them.
        package func refuse(_ ids: [AggregateID], _ type: AggregateType) {
            let known = run.refused[type.rawValue] ?? []
            run.refused[type.rawValue] =
                known + ids.map(\.rawValue).filter { id in !known.contains { $0.hasSameBytes(as: id) } }
        }

        /// Notes that these are not refused any more.
        package func accept(_ ids: [AggregateID], _ type: AggregateType) {
            guard let known = run.refused[type.rawValue] else { return }
            let rest = known.filter { id in !ids.contains { $0.rawValue.hasSameBytes(as: id) } }
            run.refused[type.rawValue] = rest.isEmpty ? nil : rest
        }

        /// Notes that the new collection of a type is in its place and has everything.
        package func swapped(_ type: AggregateType) async throws {
            run.swapped.append(type.rawValue)
            try await save()
        }

        /// Where each part is one aggregate: those of which nothing was there.
        package var absentIDs: [String] {
            run.parts.indices.filter { !found.contains($0) }.map { run.parts[$0].range.lower }
        }

        /// Notes how it ended.
        package func end(_ status: Status, reason: String? = nil) async throws {
            run.status = status
            run.reason = reason
            run.endedAt = log.now()
            try await save()
        }

        /// Writes the document now, after the write that is under way: an older state of it must not come after a newer
        /// one.
        package func save() async throws {
            guard isKept else { return }
            if isSaving {
                await withCheckedContinuation { waitsForSaving.append($0) }
            } else {
                isSaving = true
            }
            defer {
                if waitsForSaving.isEmpty { isSaving = false } else { waitsForSaving.removeFirst().resume() }
            }
            run.updatedAt = log.now()
            savedAt = .now
            guard try await log.update(run, heldBy: run.holder) else { throw MaintenanceRun.takenOver }
        }

        /// Whether the next progress is written.
        package var isDue: Bool { isKept && !isSaving && ContinuousClock.now - savedAt >= interval }

        private func saveIfDue() async throws {
            if isDue { try await save() }
        }
    }
}

// MARK: Resumption

extension MaintenanceRun {
    /// A run that has been silent for longer is not resumed: what it had done may have drifted again.
    package static let resumableFor: TimeInterval = 3600

    /// The reason that is stored in the record of a run that is not resumed any more.
    package static let givenUp = "it was given up, and all was begun anew"

    /// Whether it has neither come to its end nor been given up.
    package var isUnfinished: Bool { status != .done && reason != Self.givenUp }

    /// Why the work of this run, which did not come to its end, is not resumed by `next`; nil when it is.
    func obstacle(to next: MaintenanceRun, at now: Date) -> String? {
        guard schemas == next.schemas, let program, program == next.program else {
            return "another program began it, whose states may be others"
        }
        guard now.timeIntervalSince(updatedAt) < Self.resumableFor else {
            return
                "its last record is of \(updatedAt.formatted(.iso8601)), and what it had done by then may have "
                + "drifted since"
        }
        return nil
    }

    /// This run, continued by the process `holder`.
    func resumed(by holder: String, at now: Date) -> MaintenanceRun {
        var run = self
        run.holder = holder
        run.status = .running
        run.updatedAt = now
        run.endedAt = nil
        run.reason = nil
        return run
    }

    static var takenOver: DaybookError {
        DaybookError(
            .conflict,
            "another process has taken this run over, because this one was held up for longer than its lease lasts. "
                + "Leave it to that process, or start the command again when it has ended.")
    }
}
