internal import CBareDriver
internal import Daybook
internal import DaybookBSON

/// What a store sent while `body` ran: the documents to the byte, so that the bare calls can send the same.
struct Recording: Sendable {
    /// A journal document.
    struct Event: Sendable {
        var aggregateID: String
        var version: Int64
        var commitID: BSONValue
        var document: BSONDocument
    }

    /// A write of a snapshot: an insert where there is no selector.
    struct SnapshotWrite: Sendable {
        var collection: String
        var aggregateID: String
        var version: Int64
        var selector: BSONDocument?
        var document: BSONDocument
        /// The update that makes the document of the one before it, where that is sent instead.
        var update: BSONDocument?
    }

    private(set) var commands = 0
    private(set) var bytes = 0
    /// In the order in which they were sent.
    private(set) var events: [Event] = []
    private(set) var snapshots: [SnapshotWrite] = []
    private(set) var insertCommands = 0
    private(set) var snapshotCommands = 0

    static func of(_ body: () async throws -> Void) async throws -> Recording {
        bare_recording_begin()
        do {
            try await body()
        } catch {
            _ = bare_recording_end()
            throw error
        }
        return try Recording(bare_recording_end())
    }

    private init(_ recording: bare_recording) throws {
        commands = Int(recording.commands)
        bytes = Int(recording.bytes)
        var rest = UnsafeRawBufferPointer(start: recording.data, count: recording.length)
        while rest.count >= 5 {
            let length = Int(Int32(littleEndian: rest.loadUnaligned(as: Int32.self)))
            guard (5...rest.count).contains(length) else { break }
            try add(BSONDocument(validating: Array(rest[..<length]), maximumBytes: .max))
            rest = UnsafeRawBufferPointer(rebasing: rest[length...])
        }
    }

    private mutating func add(_ command: BSONDocument) throws {
        if case .string(let collection) = command["insert"] {
            let documents = Self.documents(command["documents"])
            if collection == "journal" { insertCommands += 1 }
            for document in documents { add(document, to: collection) }
        } else if case .string(let collection) = command["update"] {
            snapshotCommands += 1
            for update in Self.documents(command["updates"]) {
                add(update["u"], where: update["q"], in: collection)
            }
        } else if command["bulkWrite"] != nil {
            let namespaces = Self.documents(command["nsInfo"]).map { info -> String in
                guard case .string(let namespace) = info["ns"], let dot = namespace.firstIndex(of: ".") else {
                    return ""
                }
                return String(namespace[namespace.index(after: dot)...])
            }
            insertCommands += 1
            for operation in Self.documents(command["ops"]) {
                if let index = Self.number(operation["insert"]), case .document(let document) = operation["document"] {
                    add(document, to: namespaces[Int(index)])
                } else if let index = Self.number(operation["update"]) {
                    add(operation["updateMods"], where: operation["filter"], in: namespaces[Int(index)])
                }
            }
        }
    }

    private mutating func add(_ document: BSONDocument, to collection: String) {
        if collection == "journal" {
            guard case .string(let id) = document["aggregateId"], let version = Self.number(document["version"]),
                case .document(let commit) = document["commit"], let commitID = commit["id"]
            else { return }
            events.append(Event(aggregateID: id, version: version, commitID: commitID, document: document))
        } else if case .string(let id) = document["_id"], let version = Self.number(document["version"]) {
            snapshots.append(
                SnapshotWrite(
                    collection: collection, aggregateID: id, version: version, selector: nil, document: document))
        }
    }

    private mutating func add(_ change: BSONValue?, where selector: BSONValue?, in collection: String) {
        // An update by operators, or by a pipeline, cannot be told to a replacement; it is left out, and the numbers
        // will show it.
        guard case .document(let document) = change, case .document(let selector) = selector,
            case .string(let id) = document["_id"], let version = Self.number(document["version"])
        else { return }
        snapshots.append(
            SnapshotWrite(
                collection: collection, aggregateID: id, version: version, selector: selector, document: document))
    }

    private static func documents(_ value: BSONValue?) -> [BSONDocument] {
        guard case .array(let values) = value else { return [] }
        return values.compactMap { if case .document(let document) = $0 { document } else { nil } }
    }

    private static func number(_ value: BSONValue?) -> Int64? {
        switch value {
        case .int32(let number): Int64(number)
        case .int64(let number): number
        default: nil
        }
    }
}

extension Recording {
    /// What the collections contain after all of it, as bulk inserts: one for the journal, one for each collection of
    /// snapshots.
    var inserts: [BareBulk] {
        var journal = BareBulk(insertsPerCommand: 200)
        for event in events { journal.insert(event.document) }
        var latest: [String: SnapshotWrite] = [:]
        for write in snapshots where (latest[write.aggregateID]?.version ?? 0) < write.version {
            latest[write.aggregateID] = write
        }
        var bulks: [String: BareBulk] = [:]
        for write in latest.values {
            bulks[write.collection, default: BareBulk(collection: write.collection, insertsPerCommand: 200)].insert(
                write.document)
        }
        return [journal] + bulks.values
    }

    /// The writes as bulks of the sizes that were sent.
    func bulks(withSnapshots: Bool, threads: Int) -> BareBulk {
        var bulk = BareBulk(
            insertsPerCommand: max(1, (events.count + insertCommands / 2) / max(insertCommands, 1)), threads: threads)
        for event in events { bulk.insert(event.document) }
        guard withSnapshots, let first = snapshots.first else { return bulk }
        bulk.replacedCollection = first.collection
        bulk.replacesPerCommand = max(1, (snapshots.count + snapshotCommands / 2) / max(snapshotCommands, 1))
        for write in snapshots {
            bulk.replace(write.selector ?? ["_id": .string(write.aggregateID)], by: write.document)
        }
        return bulk
    }

    /// The events of each commit, in order of the commits.
    var commits: [[Event]] {
        var places: [BSONValue: Int] = [:]
        var commits: [[Event]] = []
        for event in events {
            if let place = places[event.commitID] {
                commits[place].append(event)
            } else {
                places[event.commitID] = commits.count
                commits.append([event])
            }
        }
        return commits
    }

    /// Every commit as a transaction of its events and, where `withSnapshots`, the write of the snapshot.
    func transactions(
        withSnapshots: Bool, threads: Int, before: (Event) -> [BareStep] = { _ in [] }
    ) -> BareScript {
        var writes: [String: [Int64: SnapshotWrite]] = [:]
        for write in snapshots { writes[write.aggregateID, default: [:]][write.version] = write }
        return script(threads: threads) { events in
            var steps = events.first.map(before) ?? []
            steps += [.begin, .insert(into: "journal", events.map(\.document))]
            if withSnapshots, let last = events.last, let write = writes[last.aggregateID]?[last.version] {
                if let selector = write.selector, let update = write.update {
                    steps.append(.update(in: write.collection, selector, by: update))
                } else if let selector = write.selector {
                    steps.append(.replace(in: write.collection, selector, by: write.document))
                } else {
                    steps.append(.insert(into: write.collection, [write.document]))
                }
            }
            return steps + [.commit]
        }
    }

    /// The same with snapshots that are updated where they differ from the one before, and not replaced.
    ///
    /// - Parameter before: What made the snapshots that stand there.
    func updatingSnapshots(of before: Recording) throws -> Recording {
        var standing: [String: BSONDocument] = [:]
        for write in before.snapshots.sorted(by: { $0.version < $1.version }) {
            standing[write.aggregateID] = write.document
        }
        var recording = self
        recording.snapshots = try snapshots.sorted { $0.version < $1.version }.map { write in
            var write = write
            if let stored = standing[write.aggregateID] {
                var fields = BSONDocument()
                for difference in stored.differences(to: write.document) {
                    guard let value = difference.after, !difference.path.isEmpty else {
                        throw BenchError("a snapshot changes at \"\(difference.path)\" in a way that $set cannot tell")
                    }
                    try fields.append(difference.path, value)
                }
                write.update = ["$set": .document(fields)]
            }
            standing[write.aggregateID] = write.document
            return write
        }
        return recording
    }

    /// Every event as a single insert, after what `before` does for it.
    func singleInserts(before: (Event) -> [BareStep] = { _ in [] }) -> BareScript {
        script(threads: 1) { events in events.flatMap { before($0) + [.insert(into: "journal", [$0.document])] } }
    }

    private func script(threads: Int, _ steps: ([Event]) -> [BareStep]) -> BareScript {
        // The commits of an aggregate stay on one thread, in order: each replaces what the one before it left.
        var parts = [[[BareStep]]](repeating: [], count: threads)
        var homes: [String: Int] = [:]
        for commit in commits {
            guard let id = commit.first?.aggregateID else { continue }
            let home = homes[id] ?? homes.count % threads
            homes[id] = home
            parts[home].append(steps(commit))
        }
        return BareScript(threads: parts)
    }
}
