internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// Compares the documents in use with those that were just made again, side by side in the order of their keys, while
/// events are delivered to both.
///
/// What differs is looked at again, because one may include an event that the other does not include yet.
struct ProjectionComparison: Sendable {
    let store: DaybookStore
    let live: Namespace
    let fresh: Namespace
    /// How long neither may change before a difference is one: longer than the delivery to one may be behind that to
    /// the other.
    let stillness: Duration

    /// As they are stored; their key may be anything.
    private struct Found: Sendable {
        let key: BSONValue
        let document: BSONDocument
        let events: Int64?

        var bytes: [UInt8] { document.bytes }

        init(_ document: BorrowedDocument) throws {
            let document = BSONDocument(document)
            key = document["_id"] ?? .null
            self.document = document
            events = document["events"]?.integer
        }
    }

    /// A document that differs.
    private struct Suspect {
        var key: BSONValue
        var live: Found?
        var fresh: Found?
        /// Since when neither has changed.
        var since = ContinuousClock.now
    }

    /// How many differences of a document are kept.
    private static let maximumDifferences = 3
    /// How many findings are kept.
    static let maximumFindings = 10_000
    /// How long one is looked at, at most.
    private static let patience = Duration.seconds(30)

    /// - Returns: What differs, by key, and how many documents were compared.
    func run() async throws -> (findings: [ProjectionFinding], checked: Int) {
        var suspects: [Suspect] = []
        var findings: [ProjectionFinding] = []
        var checked = 0
        let options = FindOptions(sort: [("_id", 1)])
        var lives = store.client.find([:], in: live, options: options, decode: Found.init).makeAsyncIterator()
        var freshes = store.client.find([:], in: fresh, options: options, decode: Found.init).makeAsyncIterator()
        var (one, other) = (try await lives.next(), try await freshes.next())
        while one != nil || other != nil {
            checked += 1
            let isFirst = try Self.precedes(one, other)
            let isSecond = try Self.precedes(other, one)
            let (left, right) = (isSecond ? nil : one, isFirst ? nil : other)
            if left?.bytes != right?.bytes, let key = left?.key ?? right?.key {
                suspects.append(Suspect(key: key, live: left, fresh: right))
            }
            if !isSecond { one = try await lives.next() }
            if !isFirst { other = try await freshes.next() }
            if suspects.count >= 500 || (one == nil && other == nil) {
                let confirmed = try await confirm(suspects)
                findings += confirmed.prefix(Self.maximumFindings - findings.count)
                suspects = []
            }
        }
        return (findings, checked)
    }

    /// Whether `one` comes before `other`; a missing one comes last. Only texts are keys of documents, and the bytes of
    /// texts are MongoDB's order; others come before them or after them.
    private static func precedes(_ one: Found?, _ other: Found?) throws -> Bool {
        guard let one else { return false }
        guard let other else { return true }
        switch (one.key, other.key) {
        case (.string(let one), .string(let other)): return one.utf8.lexicographicallyPrecedes(other.utf8)
        // A fresh view has only texts, so what is none is in the other, and alone.
        case (.string, _): return false
        case (_, .string): return true
        default: return false
        }
    }

    private func confirm(_ suspects: [Suspect]) async throws -> [ProjectionFinding] {
        var rest = suspects
        var findings: [ProjectionFinding] = []
        let deadline = ContinuousClock.now + Self.patience
        while !rest.isEmpty {
            try await Task.sleep(for: .milliseconds(250))
            let keys = rest.map(\.key)
            let (lives, freshes) = try await (look(keys, in: live), look(keys, in: fresh))
            let now = ContinuousClock.now
            rest = rest.compactMap { suspect in
                var suspect = suspect
                let (one, other) = (lives[suspect.key], freshes[suspect.key])
                if one?.bytes == other?.bytes { return nil }
                if one?.bytes != suspect.live?.bytes || other?.bytes != suspect.fresh?.bytes { suspect.since = now }
                suspect.live = one
                suspect.fresh = other
                // One that changes all the time was never seen with the same events in both, so nothing is known of it.
                guard now - suspect.since >= stillness else { return now < deadline ? suspect : nil }
                findings.append(Self.finding(suspect))
                return nil
            }
        }
        return findings.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    private func look(_ keys: [BSONValue], in namespace: Namespace) async throws -> [BSONValue: Found] {
        try await store.client.readingThroughSwaps { connection in
            var found: [BSONValue: Found] = [:]
            try connection.find(["_id": ["$in": .array(keys)]], in: namespace) { document in
                let document = try Found(document)
                found[document.key] = document
                return true
            }
            return found
        }
    }

    private static func finding(_ suspect: Suspect) -> ProjectionFinding {
        let kind: ProjectionFinding.Kind =
            switch (suspect.live, suspect.fresh) {
            case (nil, _): .missing
            case (_, nil): .orphan
            case (let live?, let fresh?):
                live.events.map { $0 < fresh.events ?? 0 } ?? false ? .behind : .different
            }
        var differences: [FieldDifference] = []
        if kind == .different, let live = suspect.live?.document, let fresh = suspect.fresh?.document {
            differences = live.differences(to: fresh)
        }
        return ProjectionFinding(
            kind: kind, key: suspect.key.text ?? suspect.key.shown(), events: suspect.live?.events,
            expected: suspect.fresh?.events,
            differences: differences.prefix(Self.maximumDifferences).map {
                let (stored, expected) = $0.shown()
                return ProjectionFinding.Difference(path: $0.path, stored: stored, expected: expected)
            }, hasMoreDifferences: differences.count > Self.maximumDifferences)
    }
}
