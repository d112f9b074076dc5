internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// Looks for commits of which a part is missing, as a restore leaves them that is not of one moment.
///
/// The ids of a commit's events follow from its own, so they are looked for in the index on `_id`, many at a time.
/// Commits that lie within one aggregate are known to be whole without a look.
struct CommitCheck: Sendable {
    /// How many ids are looked for in one query.
    private static var idsPerQuery: Int { 1_000 }
    /// Of a larger commit the ids are counted, and not named one by one.
    private static var maximumNamed: Int { 256 }
    /// How long a commit has until all of it is visible: on a sharded cluster, or with a primary that has just been
    /// elected.
    private static var patience: Duration { .seconds(3) }
    /// A commit that is older has had its time.
    private static var fresh: TimeInterval { 30 }

    let store: DaybookStore
    /// Whether each part is compared with all of its commit. Otherwise the part with the first event is, and the others
    /// only look for that one: a commit over many aggregates costs as many looks as it has events, and not the square
    /// of it.
    let comparesAll: Bool

    private var journal: Namespace { store.journal.namespace }

    // MARK: The first look

    /// Those of `parts` whose commits lack something.
    func torn(among parts: [OwnedPart]) async throws -> [OwnedPart] {
        guard !parts.isEmpty else { return [] }
        return try await store.client.withConnection(.single) { try torn(among: parts, on: $0) }
    }

    func torn(among parts: [OwnedPart], on connection: isolated MongoConnection) throws -> [OwnedPart] {
        var torn: [OwnedPart] = []
        var waiting: [(part: OwnedPart, ids: [EventID])] = []
        var wanted: Set<EventID> = []
        for part in parts {
            guard let ids = ids(wantedBy: part.part) else {
                if try isTorn(part.part, on: connection) { torn.append(part) }
                continue
            }
            waiting.append((part, ids))
            wanted.formUnion(ids)
            if wanted.count >= Self.idsPerQuery {
                torn += try lacking(waiting, wanted, on: connection)
                waiting = []
                wanted = []
            }
        }
        return torn + (try lacking(waiting, wanted, on: connection))
    }

    /// Nil where they are too many to be named.
    private func ids(wantedBy part: CommitPart) -> [EventID]? {
        if onlyLooksForFirst(part) { return [part.commit] }
        guard part.otherCount <= Self.maximumNamed else { return nil }
        return part.otherPlaces.flatMap { $0.compactMap { part.id(at: $0) } }
    }

    private func onlyLooksForFirst(_ part: CommitPart) -> Bool { !comparesAll && part.places.lowerBound > 0 }

    private func lacking(
        _ waiting: [(part: OwnedPart, ids: [EventID])], _ wanted: Set<EventID>, on connection: isolated MongoConnection
    ) throws -> [OwnedPart] {
        guard !wanted.isEmpty else { return [] }
        var there: Set<EventID> = []
        let filter: BSONDocument = [EventKey.id: ["$in": .array(wanted.map { .binary(BSONBinary($0.uuid)) })]]
        // From the index alone.
        try connection.find(filter, in: journal, options: FindOptions(projection: [EventKey.id: 1])) { document in
            if let id = try? document.first(EventKey.id)?.uuid() { there.insert(EventID(id)) }
            return true
        }
        return waiting.filter { !$0.ids.allSatisfy(there.contains) }.map(\.part)
    }

    // MARK: The second look

    /// What is missing for good of some commits that lacked something at the first look.
    func confirm(_ torn: [OwnedPart]) async throws -> [Finding] {
        let end = ContinuousClock.now + Self.patience
        var findings: [Finding] = []
        for commit in torn {
            var finding = try await finding(commit)
            while finding != nil, isFresh(commit.part), ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(100))
                finding = try await self.finding(commit)
            }
            if let finding { findings.append(finding) }
        }
        return findings
    }

    /// Whether the commit was made so lately that not all of it need be visible yet.
    func isFresh(_ part: CommitPart) -> Bool {
        let committedAt = Date(timeIntervalSince1970: Double(part.commit.milliseconds) / 1_000)
        return abs(store.clock.now().timeIntervalSince(committedAt)) < Self.fresh
    }

    private func finding(_ commit: OwnedPart) async throws -> Finding? {
        try await store.client.withConnection(.single) { try finding(commit, on: $0) }
    }

    /// - Returns: Nil when nothing is missing, or what is missing is for another part to report.
    func finding(_ commit: OwnedPart, on connection: isolated MongoConnection) throws -> Finding? {
        let part = commit.part
        let found = try contents(of: part, on: connection)
        guard found.lacks(any: onlyLooksForFirst(part)) else { return nil }
        return Finding(
            aggregateID: String(decoding: commit.aggregateID, as: UTF8.self), kind: .torn, snapshotVersion: nil,
            journalVersion: part.version + Int64(part.places.count) - 1, detail: found.described(part))
    }

    private func isTorn(_ part: CommitPart, on connection: isolated MongoConnection) throws -> Bool {
        try contents(of: part, on: connection).lacks(any: onlyLooksForFirst(part))
    }

    private func contents(of part: CommitPart, on connection: isolated MongoConnection) throws -> Contents {
        var contents = Contents(count: part.count)
        guard let last = part.id(at: part.count - 1) else { return contents }
        let filter: BSONDocument = [
            EventKey.id: ["$gte": .binary(BSONBinary(part.commit.uuid)), "$lte": .binary(BSONBinary(last.uuid))]
        ]
        let options = FindOptions(
            sort: [(EventKey.id, 1)],
            projection: [EventKey.aggregateID: 1, EventKey.version: 1, EventKey.commitIDPath: 1],
            reads: store.client.isSharded ? .onPrimary(.snapshot) : .deciding)
        try connection.find(filter, in: journal, options: options) { document in
            contents.take(JournalEntry(BSONDocument(document)), of: part)
            return true
        }
        return contents
    }

    /// What is there of a commit, and what is not: bounded, however many events it has.
    private struct Contents {
        /// What is named of each, at most.
        private static var maximumNamed: Int { 5 }

        let count: Int32
        private var present: Int32 = 0
        private var next: Int32 = 0
        private var lacksFirst = true
        private var gaps: [Range<Int32>] = []
        private var aggregates: [(id: String, versions: ClosedRange<Int64>)] = []
        private var omittedAggregates = 0
        private var lastOmitted: String?

        init(count: Int32) {
            self.count = count
        }

        /// Takes in the next event, by id.
        mutating func take(_ event: JournalEntry, of part: CommitPart) {
            // Ids of another commit may lie between them, however unlikely.
            guard let id = event.id, event.commitID == part.commit.uuid,
                let distance = EventID(id).distance(from: part.commit), distance < UInt64(count)
            else { return }
            let place = Int32(distance)
            guard place >= next else { return }
            addGap(next..<place)
            if place == 0 { lacksFirst = false }
            next = place + 1
            present += 1
            guard let id = event.aggregateID, let version = event.version else { return }
            if let last = aggregates.last, lastOmitted == nil, last.id == id, version > last.versions.upperBound {
                aggregates[aggregates.count - 1].versions = last.versions.lowerBound...version
            } else if aggregates.count < Self.maximumNamed {
                aggregates.append((id, version...version))
            } else if id != lastOmitted {
                omittedAggregates += 1
                lastOmitted = id
            }
        }

        private mutating func addGap(_ gap: Range<Int32>) {
            if !gap.isEmpty, gaps.count <= Self.maximumNamed { gaps.append(gap) }
        }

        /// - Parameter firstOnly: Whether only the first event matters.
        func lacks(any firstOnly: Bool) -> Bool { firstOnly ? lacksFirst : present < count }

        /// `of the 3 events of commit 0197… 1 is not there (the 2nd); there are account/a at version 4, tally/t at
        /// version 7`
        func described(_ part: CommitPart) -> String {
            var gaps = gaps
            if next < count { gaps.append(next..<count) }
            var places = gaps.prefix(Self.maximumNamed).map {
                $0.count == 1 ? "\($0.lowerBound + 1)" : "\($0.lowerBound + 1) to \($0.upperBound)"
            }
            if gaps.count > places.count { places.append("…") }
            let missing = count - present
            var there = aggregates.map { aggregate in
                let first = aggregate.versions.lowerBound
                let last = aggregate.versions.upperBound
                return "\(aggregate.id) at version\(first == last ? " \(first)" : "s \(first) to \(last)")"
            }
            if omittedAggregates > 0 { there.append("\(omittedAggregates) more") }
            return "commit \(part.commit.uuid.uuidString.lowercased()) is not whole: of its \(count) events \(missing) "
                + "\(missing == 1 ? "is" : "are") not there, by their places in it \(places.joined(separator: ", ")); "
                + "there "
                + "\(there.count == 1 ? "is" : "are") \(there.joined(separator: ", "))"
        }
    }
}
