import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Synchronization
import Testing

/// Runs `body` with a store for accounts and ``Arrivals``, which nothing runs yet.
func withArrivals<R: Sendable>(_ body: (DaybookStore) async throws -> R) async throws -> R {
    try await withTestStore(for: [Account.self], subscriptions: [.projection(Arrivals.self)]) { store in
        let beats = Task { await beat(store.raw) }
        defer { beats.cancel() }
        return try await body(store)
    }
}

/// Has statements in transactions now and then. The local server ends the transaction of a process that was killed only
/// when another one has a statement; until then, those that write the same documents wait.
private func beat(_ database: RawDatabase) async {
    let journal = database.namespace("journal")
    while !Task.isCancelled {
        try? await database.client.withConnection(.transaction) { connection in
            try connection.beginTransaction()
            _ = try connection.findOne([:], in: journal) { _ in true }
            try connection.commitTransaction()
        }
        try? await Task.sleep(for: .milliseconds(500))
    }
}

/// Runs `body` beside the subscriptions of another store on the same database, which it can look at.
func running<R: Sendable>(
    _ store: DaybookStore, _ subscriptions: [Subscription]? = nil,
    configure: (inout DaybookConfiguration) -> Void = { _ in }, _ body: (DaybookStore) async throws -> R
) async throws -> R {
    var configuration = store.configuration
    configure(&configuration)
    let runner = try DaybookStore(
        configuration, aggregates: store.aggregates, subscriptions: subscriptions ?? store.ownSubscriptions)
    let run = Task { try await runner.run() }
    do {
        let result = try await body(runner)
        run.cancel()
        try? await run.value
        return result
    } catch {
        run.cancel()
        try? await run.value
        throw error
    }
}

/// Runs the subscriptions until every event was handled, but for those of `parked` aggregates.
func runUntilPosted(
    _ store: DaybookStore, _ subscriptions: [Subscription]? = nil, of name: SubscriptionName = Arrivals.name,
    parked: Int = 0, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let isPosted = try await running(store, subscriptions) { _ in try await store.isPosted(name, parked: parked) }
    #expect(isPosted, sourceLocation: sourceLocation)
}

/// Who changes something in a test, and why.
let tester = SubscriptionAdministration.Reason(by: "ada", why: "support case 7")

/// Something that a test sets once.
final class Flag: Sendable {
    private let state = Mutex(false)

    var isSet: Bool { state.withLock { $0 } }

    func set() { state.withLock { $0 = true } }
}

extension DaybookStore {
    /// The amounts that came into each account, in the order of their versions.
    func amounts() async throws -> [String: [Int]] {
        var versions: [String: [(Int64, Int)]] = [:]
        for event in try await raw.documents(in: "journal") {
            guard let id = event.string(at: "aggregateId"), let version = event.integer(at: "version"),
                let amount = event.integer(at: "data.amount")
            else { continue }
            versions[String(id.dropFirst("account/".count)), default: []].append((version, Int(amount)))
        }
        return versions.mapValues { $0.sorted { $0.0 < $1.0 }.map(\.1) }
    }

    /// The documents of ``Arrivals``.
    func arrivals() async throws -> [String: Arrivals.Document] {
        var found: [String: Arrivals.Document] = [:]
        for try await document in view(Arrivals.self).query() {
            found[document.key] = document.document
            // What the documents say of their events must be so of what they count, too.
            #expect(document.events == Int64(document.document.count), "\(document.key)")
        }
        return found
    }

    /// Waits until every event was handled, but for those of `parked` aggregates. Says how it stands if that takes too
    /// long.
    func isPosted(
        _ name: SubscriptionName = Arrivals.name, parked: Int = 0, within limit: Duration = .seconds(180)
    ) async throws -> Bool {
        // A look joins the postings with the whole journal, for which the local server needs as long as for a delivery.
        let isPosted = try await eventually("everything is posted", within: limit, every: .milliseconds(250)) {
            let status = try await subscriptions.show(name)
            return status.behind == 0 && status.parked == parked && status.state == "live"
        }
        if !isPosted {
            let status = try await subscriptions.show(name)
            let (isScanning, batches) = try await progress()
            let holders = try await holders()
            let work = "scanning \(isScanning), batches \(batches), holders \(holders)"
            Issue.record(
                "behind \(status.behind), parked \(status.parked), \(status.state), \(work)"
            )
        }
        return isPosted
    }

    /// Checks that each event is in the documents once, in order, and that the postings say so.
    func expectExactArrivals(weight: Int = 1, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let amounts = try await amounts()
        let found = try await arrivals()
        let expected = Arrivals.Document.expected(of: amounts, weight: weight)
        let wrong = Set(found.keys).union(expected.keys).filter { found[$0] != expected[$0] }
        #expect(
            wrong.isEmpty, "\(wrong.sorted().prefix(5).map { ($0, found[$0], expected[$0]) })",
            sourceLocation: sourceLocation)
        var posted: [String: Int64] = [:]
        for posting in try await raw.documents(in: "daybook.postings.arrivals") {
            posted[posting.string(at: "_id") ?? ""] = posting.integer(at: "version")
        }
        let heads = Dictionary(uniqueKeysWithValues: amounts.map { ("account/\($0)", Int64($1.count)) })
        #expect(posted == heads, sourceLocation: sourceLocation)
    }

    /// Puts `events` events on `accounts` accounts.
    func deposit(_ events: Int, on accounts: Int) async throws {
        let repository = repository(Account.self)
        let each = max(1, events / accounts)
        for key in 0..<accounts {
            for start in stride(from: 0, to: each, by: 500) {
                let amounts = (start..<min(start + 500, each)).map { $0 % 7 + 1 }
                try await repository.execute(.depositEach(amounts), on: "k-\(key)")
            }
        }
    }

    /// Runs `body` beside four writers on `accounts` accounts, whose clocks are up to 4 s apart. A third of their
    /// commits are transactions that are open for up to 100 ms before they commit.
    ///
    /// - Parameter holding: Whether transactions stay open. The local server drops and renames a collection only while
    ///   no transaction is open at all, so beside those it may never do so.
    func besideWriters<R: Sendable>(
        on accounts: Int, pausing pause: Duration = .zero, holding: Bool = true, _ body: () async throws -> R
    ) async throws -> R {
        let isOver = Flag()
        let writers = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        try await self.write(writer, on: accounts, pausing: pause, holding: holding) { isOver.isSet }
                    }
                }
                try await group.waitForAll()
            }
        }
        do {
            let result = try await body()
            isOver.set()
            try await writers.value
            return result
        } catch {
            isOver.set()
            try? await writers.value
            throw error
        }
    }

    private func write(
        _ writer: Int, on accounts: Int, pausing pause: Duration, holding: Bool,
        until isOver: @escaping @Sendable () -> Bool
    ) async throws {
        var configuration = configuration
        configuration.clock = CommitClock(
            now: { Date().addingTimeInterval(Double(writer) * 4 / 3 - 2) },
            random: { .random(in: .min ... .max) })
        try await withDaybook(configuration) { store in
            let repository = store.repository(Account.self)
            while !isOver() {
                if Int.random(in: 0..<3) == 0 {
                    let keys = Set((0..<2).map { _ in "k-\(Int.random(in: 0..<accounts))" })
                    try await store.transaction { transaction in
                        for key in keys { try await transaction.execute(.deposit(1), on: key, of: Account.self) }
                        if holding { try await Task.sleep(for: .milliseconds(Int.random(in: 0...100))) }
                    }
                } else {
                    try await repository.execute(.deposit(2), on: "k-\(Int.random(in: 0..<accounts))")
                }
                try await Task.sleep(for: pause)
            }
        }
    }

    // MARK: Other processes

    /// Starts a process that runs ``Arrivals``, or makes its documents again.
    func startRunner(
        _ work: String = "run", delay: Int = 0, uri: String? = nil
    ) throws -> ChildProcess {
        try ChildProcess(
            builtExecutable("SubscriptionRunner"), [database, work, "\(delay)"],
            input: "\(uri ?? configuration.uri)\n", joinsErrors: true)
    }

    /// Kills a process, and ends its leases: the next process need not wait until they expire.
    func kill(_ runner: ChildProcess) async throws {
        runner.kill()
        for await _ in runner.lines {}
        #expect(await runner.ending() == .killed(signal: SIGKILL), "the runner ended by itself")
        // A member that has died is no member when its time is over, and neither is waited for.
        let past = BSONValue.datetime(BSONDate(milliseconds: 0))
        let collection = raw.namespace("daybook.leases")
        let subscriptions = raw.namespace("daybook.subscriptions")
        _ = try await raw.client.withConnection(.single) { connection in
            _ = try connection.bulkWrite(
                [.updateMany([:], update: ["$set": ["expiresAt": past]])], ordered: true, in: collection)
            _ = try connection.bulkWrite(
                [.updateMany([:], update: ["$set": ["members": []]])], ordered: true, in: subscriptions)
        }
    }

    /// The partitions' positions: whether each is still in its scan, and how many batches were delivered in all.
    func progress() async throws -> (isScanning: [Bool], batches: Int64) {
        var isScanning: [Bool] = []
        var batches: Int64 = 0
        for checkpoint in try await raw.documents(in: "daybook.checkpoints") {
            batches += checkpoint.integer(at: "batches") ?? 0
            guard case .document(let position)? = checkpoint["position"] else { continue }
            isScanning.append(position["after"] != nil)
        }
        return (isScanning, batches)
    }

    /// Each holder's partitions, by the id of its process, while its leases last.
    func holders() async throws -> [Int32: Int] {
        var holders: [Int32: Int] = [:]
        for lease in try await raw.documents(in: "daybook.leases") {
            guard let name = lease.string(at: "_id"), name.hasPrefix("subscription.arrivals."),
                case .datetime(let end)? = lease["expiresAt"], end.date > .now,
                let parts = lease.string(at: "holder")?.split(separator: ":"), parts.count >= 2,
                let process = Int32(parts[parts.count - 2])
            else { continue }
            holders[process, default: 0] += 1
        }
        return holders
    }
}
