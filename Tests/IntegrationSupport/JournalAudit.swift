package import DaybookBSON
internal import DaybookMongo

/// What the journal and the snapshots of accounts say when they are read raw, in one transaction, by none of the
/// library's code: everything that guarantees G1 and G2 promise of them, checked document by document.
package struct JournalAudit: Sendable {
    /// The events of each aggregate in version order.
    package private(set) var events: [String: [BSONDocument]] = [:]
    /// The events of each commit by its id, in the order of their index.
    package private(set) var commits: [BSONValue: [BSONDocument]] = [:]
    /// What is wrong, in sentences; empty when all is as it must be.
    package private(set) var faults: [String] = []

    /// - Parameters:
    ///   - type: The kind of account.
    ///   - prefix: Only the accounts whose keys begin with it.
    ///   - hasSnapshots: Whether every account must have its snapshot by now.
    package init(
        _ database: RawDatabase, of type: String = "account", keysBeginningWith prefix: String = "",
        hasSnapshots: Bool = true
    ) async throws {
        let first = "\(type)/\(prefix)"
        let (journal, snapshots) = (database.namespace("journal"), database.namespace("snapshots.\(type)"))
        let (stored, posted) = try await database.client.withConnection(.transaction) { connection in
            try connection.beginTransaction()
            defer { connection.endTransaction() }
            let range: BSONValue = ["$gte": .string(first), "$lt": .string(first + "\u{10FFFF}")]
            return (
                try connection.documents(in: journal, where: ["aggregateId": range]),
                try connection.documents(in: snapshots, where: ["_id": range])
            )
        }
        for event in stored {
            events[event.string(at: "aggregateId") ?? "?", default: []].append(event)
            commits[event.value(at: "commit.id") ?? .null, default: []].append(event)
        }
        for (id, unordered) in events {
            events[id] = unordered.sorted { ($0.integer(at: "version") ?? 0) < ($1.integer(at: "version") ?? 0) }
            check(events[id] ?? [], of: id)
        }
        for (id, unordered) in commits {
            commits[id] = unordered.sorted {
                ($0.integer(at: "commit.index") ?? 0) < ($1.integer(at: "commit.index") ?? 0)
            }
            check(commit: commits[id] ?? [])
        }
        if hasSnapshots { check(snapshots: posted) }
    }

    package var eventCount: Int { events.values.reduce(0) { $0 + $1.count } }

    /// Whether a command's first event is there.
    package func has(commandID: String) -> Bool {
        events.values.joined().contains { $0.string(at: "meta.commandId") == commandID }
    }

    private mutating func check(_ events: [BSONDocument], of id: String) {
        let versions = events.map { $0.integer(at: "version") ?? 0 }
        if versions != Array(1...Int64(events.count)) { faults.append("\(id): the versions are \(versions)") }
        for (event, next) in zip(events, events.dropFirst()) {
            guard case .binary(let left) = event["_id"], case .binary(let right) = next["_id"],
                left.bytes.lexicographicallyPrecedes(right.bytes)
            else {
                faults.append("\(id): the event id after version \(event.integer(at: "version") ?? 0) is not larger")
                continue
            }
        }
        let commands = events.compactMap { $0.string(at: "meta.commandId") }
        if Set(commands).count != commands.count { faults.append("\(id): a command took effect twice") }
    }

    private mutating func check(commit events: [BSONDocument]) {
        let count = events.first?.integer(at: "commit.count") ?? 0
        let name =
            "the commit of \(events.first?.string(at: "aggregateId") ?? "?") \(events.first?.integer(at: "version") ?? 0)"
        if events.map({ $0.integer(at: "commit.index") ?? -1 }) != Array(0..<count) {
            faults.append("\(name) has \(events.count) of \(count) events")
        }
        if Set(events.map { $0["recordedAt"] }).count != 1 { faults.append("\(name) was recorded at several times") }
        if Set(events.map { $0.integer(at: "commit.count") }).count != 1 {
            faults.append("\(name) states several counts")
        }
    }

    private mutating func check(snapshots: [BSONDocument]) {
        var missing = Set(events.keys)
        for snapshot in snapshots {
            let id = snapshot.string(at: "_id") ?? "?"
            missing.remove(id)
            guard let events = events[id], let head = events.last else {
                faults.append("\(id): a snapshot without events")
                continue
            }
            let version = snapshot.integer(at: "version")
            if version != head.integer(at: "version") || snapshot.value(at: "head.eventId") != head["_id"] {
                faults.append(
                    "\(id): the snapshot is at \(version ?? 0), the journal at \(head.integer(at: "version") ?? 0)")
            }
            if snapshot.integer(at: "state.entries") != Int64(events.count)
                || snapshot.integer(at: "state.balance") != events.reduce(0, { $0 + Self.change(by: $1) })
            {
                faults.append("\(id): the snapshot's state is not the sum of its events")
            }
        }
        faults += missing.map { "\($0): events without a snapshot" }
    }

    private static func change(by event: BSONDocument) -> Int64 {
        let amount = event.integer(at: "data.amount") ?? 0
        return event.string(at: "type") == "withdrawn" ? -amount : amount
    }
}
