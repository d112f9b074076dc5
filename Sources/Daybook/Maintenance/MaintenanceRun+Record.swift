package import DaybookMongo
internal import Foundation

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

        package func finished(_ index: Int) async throws {
            run.parts[index].isDone = true
            try await saveIfDue()
        }

        /// Notes up to where the journal was followed.
        package func followed(to token: ResumeToken, _ type: AggregateType) async throws {
            run.tokens[type.rawValue] = token.document
            try await saveIfDue()
        }

        /// Notes that some parts are begun anew, in which collection, and from where on the journal is followed for them.
        package func restart(_ parts: [Int], _ type: AggregateType, in build: SnapshotBuild, from token: ResumeToken) async throws
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

        /// The aggregates of a type whose snapshots a unique index of the operator's refuses, for now.
        package func refused(_ type: AggregateType) -> [AggregateID] {
            (run.refused[type.rawValue] ?? []).compactMap { try? AggregateID(parsing: $0) }
        }

        /// Notes that these are refused. Note it before the part that they are in is noted as done: a run that is resumed has to know them.
        package func refuse(_ ids: [AggregateID], _ type: AggregateType) {
            let known = run.refused[type.rawValue] ?? []
            run.refused[type.rawValue] = known + ids.map(\.rawValue).filter { id in !known.contains { $0.hasSameBytes(as: id) } }
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
        package var absentIDs: [String] { run.parts.indices.filter { !found.contains($0) }.map { run.parts[$0].range.lower } }

        /// Notes how it ended.
        package func end(_ status: Status, reason: String? = nil) async throws {
            run.status = status
            run.reason = reason
            run.endedAt = log.now()
            try await save()
        }

        /// Writes the document now, after the write that is under way: an older state of it must not come after a newer one.
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

        private func saveIfDue() async throws {
            guard isKept, !isSaving, ContinuousClock.now - savedAt >= interval else { return }
            try await save()
        }
    }
}
