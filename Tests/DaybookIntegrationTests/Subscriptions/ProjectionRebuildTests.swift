import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

@Suite("A projection that is made again", .serialized, .timeLimit(.minutes(10)))
struct ProjectionRebuildTests {
    private static let collection = "views.arrivals"

    @Test(
        "killed on its way, in place or beside, it is resumed by the next process, and the end is exact",
        arguments: [
            "rebuild", "swap",
        ])
    func killed(work: String) async throws {
        try await withArrivals { store in
            // Each process handles two batches of 1,000 or so before it is killed, and the last must have some left.
            let events = 3_000 * TestScale.rebuildKills
            try await store.deposit(events, on: 60)
            let uri = try await store.raw.uri(as: .operator)
            for _ in 0..<TestScale.rebuildKills {
                let before = try await store.progress().batches
                let runner = try store.startRunner(work, delay: 100, uri: uri)
                let isBegun = try await eventually("it has come further", within: .seconds(60)) {
                    try await store.progress().batches > before + 1
                }
                #expect(isBegun)
                // The moment of the crash; nothing is waited for.
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...200)))
                try await store.kill(runner)
            }
            let runner = try store.startRunner(work, uri: uri)
            var lines: [String] = []
            for await line in runner.lines { lines.append(line) }
            #expect(await runner.ending() == .exited(status: 0), "\(lines)")
            let runs = try await store.raw.documents(in: "daybook.runs")
            #expect(runs.count == 1 && runs.first?.string(at: "status") == "done", "it is one run")
            #expect(lines.last == "done \(events)", "each event counts once")
            let documents = try await store.arrivals().count
            #expect(runs.first.map(Self.numbers) == [documents, events, documents])
            try await store.expectExactArrivals()
            #expect(try await leftovers(store) == [])
            // The service goes on where the rebuild ended.
            try await running(store) { _ in
                let commit = try #require(try await store.repository(Account.self).execute(.deposit(1), on: "k-1"))
                try await store.view(Arrivals.self).wait(for: commit, timeout: .seconds(30))
            }
            try await store.expectExactArrivals()
        }
    }

    @Test("beside writers and a service, a swap loses nothing, no reader sees less, and both views are the same bytes")
    func besideWriters() async throws {
        try await withArrivals { store in
            try await store.deposit(2_000, on: 40)
            try await running(store) { _ in
                #expect(try await store.isPosted())
                let documents = try await store.arrivals().count
                let isOver = Flag()
                let least = Task {
                    var least = Int.max
                    while !isOver.isSet {
                        least = min(least, try await store.view(Arrivals.self).count())
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    return least
                }
                let reports = try await store.besideWriters(on: 40, pausing: .milliseconds(40), holding: false) {
                    try await asOperator(of: store) { try await $0.projections.rebuild(swap: true, reason: tester) }
                }
                #expect(reports.map(\.isReplaced) == [true])
                isOver.set()
                #expect(try await least.value == documents)
                #expect(try await store.isPosted())
            }
            try await store.expectExactArrivals()
            let live = Set(try await store.raw.documents(in: Self.collection).map(\.bytes))
            _ = try await asOperator(of: store) { try await $0.projections.rebuild(swap: true, reason: tester) }
            #expect(Set(try await store.raw.documents(in: Self.collection).map(\.bytes)) == live)
        }
    }

    @Test("of a raised version is built and swapped by the service, while the old view serves and follows no more")
    func raised() async throws {
        try await withArrivals { store in
            try await store.deposit(2_000, on: 40)
            try await runUntilPosted(store)
            try await store.expectExactArrivals()
            let old = try await store.arrivals()
            let new = Arrivals.Document.expected(of: try await store.amounts(), weight: 2)
            Arrivals.delay = 50
            defer { Arrivals.delay = 0 }
            let isSwapped = try await running(store, [.projection(DoubledArrivals.self)]) { _ in
                try await eventually("the new view is there", within: .seconds(60)) {
                    let found = try await store.arrivals()
                    // What a query returns may be of both where it is swapped meanwhile, each document whole.
                    #expect(found.allSatisfy { old[$0] == $1 || new[$0] == $1 } && found.count == old.count)
                    let status = try await store.subscriptions.show(Arrivals.name)
                    return found == new && status.version == 2 && status.state == "live"
                }
            }
            #expect(isSwapped)
            // A program of the old version delivers nothing to the new view.
            try await store.repository(Account.self).execute(.deposit(1), on: "k-1")
            try await running(store) { _ in
                try await Task.sleep(for: .seconds(2))
                #expect(try await store.arrivals() == new)
            }
            // Beside one of the old version, it has all of the work.
            try await running(store) { _ in
                try await running(store, [.projection(DoubledArrivals.self)]) { _ in
                    try await store.deposit(40, on: 40)
                    #expect(try await store.isPosted())
                }
            }
            try await store.expectExactArrivals(weight: 2)
        }
    }

    @Test("whose process ends between the two renames is put in its place by the next one", arguments: [0, 1, 2])
    func halfSwapped(renames: Int) async throws {
        try await withArrivals { store in
            try await store.deposit(300, on: 30)
            try await runUntilPosted(store)
            // Something that only a new view is without.
            try await store.raw.update(["_id": "k-1"], with: ["$set": ["state.sum": 1]], in: Self.collection)
            let build = try #require(
                ProjectionBuild(of: store.ownSubscriptions[0], in: store, .beside, holder: "dead:1:test"))
            try await build.run(mayResume: false, reached: { _ in }) {}
            // Commits that the build does not have.
            try await store.repository(Account.self).execute(.deposit(3), on: "k-2")
            try await store.raw.update(
                ["_id": .string(Arrivals.name.rawValue)], with: ["$set": ["state": "swapping"]],
                in: "daybook.subscriptions")
            for collection in [Self.collection, "daybook.postings.arrivals"].prefix(renames) {
                // https://www.mongodb.com/docs/manual/reference/command/renameCollection/
                _ = try await store.raw.write(
                    [
                        "renameCollection": .string("\(store.database).\(collection).build"),
                        "to": .string("\(store.database).\(collection)"), "dropTarget": true,
                    ], database: "admin")
            }
            try await runUntilPosted(store)
            try await store.expectExactArrivals()
            #expect(try await leftovers(store) == [])
        }
    }

    @Test("by another version and not put in its place yet has that version after a process of the old one has done it")
    func halfRaised() async throws {
        try await withArrivals { store in
            try await store.deposit(300, on: 30)
            try await runUntilPosted(store)
            let build = try #require(
                ProjectionBuild(of: .projection(DoubledArrivals.self), in: store, .beside, holder: "dead:1:test"))
            try await build.run(mayResume: false, reached: { _ in }) {}
            try await store.raw.update(
                ["_id": .string(Arrivals.name.rawValue)],
                with: ["$set": ["state": "swapping", "next": .int32(2)]], in: "daybook.subscriptions")
            try await running(store) { _ in
                let isFinished = try await eventually("it is finished") {
                    try await store.subscriptions.show(Arrivals.name).state == "live"
                }
                #expect(isFinished)
            }
            #expect(try await store.subscriptions.show(Arrivals.name).version == 2)
            try await store.expectExactArrivals(weight: 2)
        }
    }

    @Test(
        "and that was killed is finished by the service, which closes the record of the run with what was made",
        arguments: [true, false])
    func finishedByService(isSameProgram: Bool) async throws {
        try await withArrivals { store in
            try await store.deposit(6_000, on: 60)
            let runner = try store.startRunner("rebuild", delay: 100, uri: try await store.raw.uri(as: .operator))
            let isBegun = try await eventually("it is on its way", within: .seconds(60)) {
                try await !store.raw.documents(in: "daybook.postings.arrivals").isEmpty
            }
            #expect(isBegun)
            try await store.kill(runner)
            #expect(try await store.projections.list().map(\.state) == ["rebuilding"])
            if isSameProgram {
                let service = try store.startRunner()
                #expect(try await store.isPosted())
                try await store.kill(service)
            } else {
                try await runUntilPosted(store)
            }
            try await store.expectExactArrivals()
            let runs = try await store.raw.documents(in: "daybook.runs")
            // What another program has made is not continued, but the rebuild is done.
            #expect(runs.map { $0.string(at: "status") } == ["done"])
            #expect(runs.map { $0.string(at: "why") } == ["a test"])
            let documents = try await store.arrivals().count
            #expect(runs.first.map(Self.numbers) == [documents, 6_000, documents])
        }
    }

    @Test("beside, that finds the swap of one that died finished by the service, leaves no record open")
    func closedAfterSwap() async throws {
        try await withArrivals { store in
            try await store.deposit(300, on: 30)
            try await runUntilPosted(store)
            let build = try #require(
                ProjectionBuild(of: store.ownSubscriptions[0], in: store, .beside, holder: "dead:1:test"))
            try await beginRun(of: store)
            try await build.run(mayResume: false, reached: { _ in }) {}
            try await store.raw.update(
                ["_id": .string(Arrivals.name.rawValue)], with: ["$set": ["state": "swapping"]],
                in: "daybook.subscriptions")
            try await runUntilPosted(store)
            let run = try #require(try await store.runs().first)
            let documents = try await store.arrivals().count
            #expect(run.status == .done && run.endedAt != nil)
            #expect((run.checked, run.events, run.written) == (documents, 300, documents))
            #expect(run.completion == nil, "it has no parts")
        }
    }

    @Test("is listed with the version that is built beside, while it is built")
    func listed() async throws {
        try await withArrivals { store in
            try await store.deposit(30, on: 30)
            #expect(try await store.projections.list().map(\.state) == ["new"])
            try await runUntilPosted(store)
            let build = try #require(
                ProjectionBuild(of: .projection(DoubledArrivals.self), in: store, .beside, holder: "host:1:test"))
            let meanwhile = try await build.run(mayResume: false, reached: { _ in }) {
                try await store.projections.list()
            }
            #expect(meanwhile.map(\.state) == ["live"] && meanwhile.map(\.building) == [2])
            try await build.discard()
            #expect(try await store.projections.list().map(\.building) == [nil])
        }
    }

    @Test("and that is stopped says so in words, and how far it came; the changes of its record say who wanted it")
    func stopped() async throws {
        try await withArrivals { store in
            try await store.deposit(4_000, on: 40)
            Arrivals.delay = 200
            defer { Arrivals.delay = 0 }
            try await asOperator(of: store) { admin in
                let rebuild = Task { try await admin.projections.rebuild(swap: true, reason: tester) }
                let isBegun = try await eventually("it is on its way", within: .seconds(60)) {
                    try await !store.raw.documents(in: "daybook.postings.arrivals.build").isEmpty
                }
                #expect(isBegun)
                rebuild.cancel()
                await #expect(throws: CancellationError.self) { try await rebuild.value }
            }
            let run = try #require(try await store.runs().first)
            #expect(run.status == .interrupted && run.reason == "it was stopped")
            #expect(run.by == "ada" && run.why == "support case 7")
            #expect(run.events > 0 && run.written > 0)
            let posted = try await store.raw.documents(in: "daybook.postings.arrivals.build").reduce(0) {
                $0 + ($1.integer(at: "version") ?? 0)
            }
            #expect(run.events == Int(posted))
            let changes = try await store.subscriptions.show(Arrivals.name).changes
            #expect(changes.map { [$0.what, $0.by, $0.why] } == [["rebuild --swap", "ada", "support case 7"]])
        }
    }

    private static func numbers(_ run: BSONDocument) -> [Int] {
        ["checked", "events", "written"].map { Int(run.integer(at: $0) ?? -1) }
    }

    private func leftovers(_ store: DaybookStore) async throws -> [String] {
        try await store.raw.contents().filter { $0.key.hasSuffix(".build") && !$0.value.isEmpty }.keys.sorted()
    }
}

/// Puts the record of a rebuild beside there, as that of an operator whose process dies then.
func beginRun(of store: DaybookStore) async throws {
    try await asOperator(of: store) { admin in
        let build = try #require(
            ProjectionBuild(of: admin.ownSubscriptions[0], in: admin, .beside, holder: "dead:1:test"))
        _ = try await ProjectionRun.begin(of: build, admin.subscriptions.note("rebuild --swap", tester))
    }
}

/// Runs `body` with the same store as an operator's.
func asOperator<R: Sendable>(of store: DaybookStore, _ body: (DaybookStore) async throws -> R) async throws -> R {
    var configuration = store.configuration
    configuration.uri = try await store.raw.uri(as: .operator)
    let other = try DaybookStore(
        configuration, aggregates: store.aggregates, subscriptions: store.ownSubscriptions)
    do {
        let result = try await body(other)
        await other.close()
        return result
    } catch {
        await other.close()
        throw error
    }
}
