@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

@Suite("Doctor", .timeLimit(.minutes(3)))
struct DiagnosisTests {
    /// A database that is as it should be, and a store that knows some aggregates; the administrator's unless it has a
    /// role.
    private func withStore<R: Sendable>(
        knowing aggregates: [any Aggregate.Type] = [Account.self, Ticket.self], as role: RoleDefinition.Name? = nil,
        configure: (inout DaybookConfiguration) -> Void = { _ in }, _ body: (DaybookStore) async throws -> R
    ) async throws -> R {
        try await withRawDatabase { database in
            try await database.prepare(for: testAggregates)
            let uri = if let role { try await database.uri(as: role) } else { try TestServer.uri }
            var configuration = DaybookConfiguration(uri: uri, database: database.name)
            configure(&configuration)
            return try await withDaybook(configuration, aggregates: aggregates, body)
        }
    }

    private func checks(_ diagnosis: Diagnosis, _ level: Diagnosis.Level) -> [Diagnosis.Check] {
        diagnosis.checks.filter { $0.level == level }
    }

    /// The one thing that is not ok.
    private func finding(
        _ diagnosis: Diagnosis, _ level: Diagnosis.Level, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Diagnosis.Check {
        let found = diagnosis.checks.filter { $0.level != .ok }
        #expect(found.count == 1, "\(found)", sourceLocation: sourceLocation)
        let check = try #require(found.first, sourceLocation: sourceLocation)
        #expect(check.level == level, sourceLocation: sourceLocation)
        #expect(check.remedy?.isEmpty == false, sourceLocation: sourceLocation)
        return check
    }

    @Test("doctor finds nothing on a healthy database, and writes nothing", arguments: RoleDefinition.Name.allCases)
    func healthy(role: RoleDefinition.Name) async throws {
        try await withStore(as: role) { store in
            try await store.raw.insert(
                [try TransferFixture.event("account/a", 1, type: "deposited", data: ["amount": 1])], into: "journal")
            let before = try await store.raw.read(["listCollections": 1, "nameOnly": true])
            let diagnosis = await store.diagnose()
            // A reader may not read leases, and not how far subscriptions are.
            let sound = diagnosis.checks.filter { !["leases", "subscriptions"].contains($0.name) }
            #expect(sound.allSatisfy { $0.level == .ok && $0.remedy == nil }, "\(diagnosis.checks)")
            #expect(diagnosis.problems == 0 && diagnosis.hasReachedServer)
            #expect(
                diagnosis.checks.map(\.name) == [
                    "server", "write concern", "read preference", "clock", "journal", "snapshots.account",
                    "snapshots.ticket", "daybook.marks", "commits", "subscriptions", "runs", "leases", "leftovers",
                ])
            #expect(try await store.raw.read(["listCollections": 1, "nameOnly": true])["cursor"] == before["cursor"])
        }
        try await withStore(knowing: []) { store in
            let diagnosis = await store.diagnose()
            #expect(diagnosis.problems == 0 && diagnosis.warnings == 0)
            #expect(!diagnosis.checks.contains { $0.name.hasPrefix("snapshots") })
        }
    }

    @Test("doctor makes no database where there is none")
    func noDatabase() async throws {
        try await withRawDatabase { database in
            let configuration = DaybookConfiguration(uri: try TestServer.uri, database: database.name)
            let store = try DaybookStore(
                configuration, aggregates: [Account.self], subscriptions: [.projection(Entries.self)])
            let diagnosis = await store.diagnose()
            await store.close()
            #expect(diagnosis.problems > 0 && diagnosis.checks.contains { $0.name == "subscription entries" })
            let found = try await database.read(["listCollections": 1, "nameOnly": true])
            #expect(found.documents(at: "cursor.firstBatch").isEmpty, "\(found)")
        }
    }

    @Test("doctor warns of marks that were not prepared: a service works all the same")
    func missingMarks() async throws {
        try await withStore { store in
            _ = try await store.raw.write(["drop": "daybook.marks"])
            let check = try finding(await store.diagnose(), .warning)
            #expect(check.name == "daybook.marks")
            #expect(check.remedy?.contains("daybookOperator") == true)
        }
    }

    @Test("doctor finds what is missing, and says who can create it")
    func missing() async throws {
        try await withStore { store in
            _ = try await store.raw.write(["dropIndexes": "journal", "index": "aggregateId_commandId"])
            let index = try finding(await store.diagnose(), .problem)
            #expect(index.name == "journal")
            #expect(index.detail == "the index \"aggregateId_commandId\" of \"journal\" is missing")
            #expect(index.remedy?.contains("Run init as a user with the role dbOwner") == true)
            _ = try await store.raw.write(["drop": "snapshots.ticket"])
            let diagnosis = await store.diagnose()
            #expect(diagnosis.problems == 2)
            let snapshots = checks(diagnosis, .problem).last
            #expect(snapshots?.detail.hasPrefix("the collection \"snapshots.ticket\", the index ") == true)
            #expect(snapshots?.remedy?.contains("daybookOperator") == true)
        }
    }

    @Test("doctor finds a validator that is not Daybook's, and shows the command that repairs it")
    func foreignValidator() async throws {
        try await withStore { store in
            _ = try await store.raw.write(["collMod": "journal", "validator": ["x": 1]])
            let check = try finding(await store.diagnose(), .problem)
            #expect(
                check.detail.hasPrefix(
                    "the validator of \"journal\" is not the one of this version of Daybook\n  found:  "))
            let command = try #require(check.remedy?.split(separator: "\n").last)
            try await MongoShell(database: store.raw).type(command.trimmingCharacters(in: .whitespaces))
            #expect(await store.diagnose().problems == 0)
        }
    }

    @Test("doctor finds a clock that is wrong")
    func clock() async throws {
        let ahead = CommitClock(now: { Date().addingTimeInterval(30) }, random: { 0 }, followsServer: true)
        try await withStore(configure: { $0.clock = ahead }) { store in
            let check = try finding(await store.diagnose(), .problem)
            #expect(check.name == "clock" && check.detail.contains("s ahead of the server's"))
        }
        let behind = CommitClock(now: { Date().addingTimeInterval(-3) }, random: { 0 }, followsServer: true)
        try await withStore(configure: { $0.clock = behind }) { store in
            let check = try finding(await store.diagnose(), .warning)
            #expect(check.name == "clock" && check.detail.contains("s behind the server's"))
        }
    }

    @Test("doctor finds unfinished runs, and does not report those that go on, are done, or were made up for")
    func runs() async throws {
        try await withStore { store in
            func run(_ status: String, _ type: String, age: TimeInterval, swap: Bool = false) throws -> BSONDocument {
                let date = BSONValue.datetime(try BSONDate(Date().addingTimeInterval(-age)))
                let milliseconds = UInt64((Date().timeIntervalSince1970 - age) * 1000)
                return [
                    "_id": .binary(
                        BSONBinary(EventID(milliseconds: milliseconds) { UInt64.random(in: .min ... .max) }.uuid)),
                    "kind": "rebuild", "swap": .bool(swap), "types": [.string(type)], "ids": [],
                    "status": .string(status),
                    "holder": "host:1:x", "startedAt": date, "updatedAt": date, "checked": 12, "events": 40,
                    "written": 3,
                    "counts": [:],
                    "reason": "no space", "ranges": [],
                ]
            }
            try await store.raw.insert(
                [
                    run("done", "a", age: 10), run("running", "b", age: 2), run("failed", "c", age: 500),
                    run("done", "c", age: 400),
                ], into: "daybook.runs")
            let sound = await store.diagnose()
            #expect(sound.problems == 0 && sound.warnings == 0, "\(sound.checks)")
            #expect(sound.checks.contains { $0.detail == "rebuild of b: 12 aggregates so far, by host:1:x" })
            try await store.raw.insert(
                [
                    run("running", "d", age: 4_000), run("interrupted", "e", age: 300, swap: true),
                    run("failed", "f", age: 200),
                ], into: "daybook.runs")
            let warnings = checks(await store.diagnose(), .warning)
            #expect(
                warnings.map(\.detail) == [
                    "rebuild of f: 12 aggregates, then it failed, 3 min ago: no space",
                    "rebuild --swap of e: 12 aggregates, then it was interrupted, 5 min ago",
                    "rebuild of d: 12 aggregates, then it fell silent: its process (host:1:x) was last heard of 66 min ago",
                ])
            #expect(warnings.allSatisfy { $0.remedy?.contains("--restart") == true })
            try await store.raw.insert([["_id": "by hand", "kind": "rebuild"]], into: "daybook.runs")
            let unreadable = checks(await store.diagnose(), .warning).filter {
                !warnings.map(\.detail).contains($0.detail)
            }
            #expect(
                unreadable.map(\.detail) == [
                    "the document with the _id \"by hand\" is not the record of a run that this version can read"
                ])
        }
    }

    @Test("doctor finds what a rebuild left behind, and shows who holds leases")
    func leftovers() async throws {
        try await withStore { store in
            for name in ["snapshots.account.rebuild", "snapshots.other.rebuild"] {
                _ = try await store.raw.write(["create": .string(name)])
            }
            // A run knows what it builds in.
            let build = SnapshotBuild(collection: "snapshots.account.rebuild", uuid: UUID())
            let now = BSONValue.datetime(try BSONDate(Date()))
            try await store.raw.insert(
                [
                    [
                        "_id": .binary(BSONBinary(UUID())), "kind": "rebuild", "swap": true, "types": ["account"],
                        "status": "running", "holder": "host:1:x", "startedAt": now, "updatedAt": now, "ranges": [],
                        "builds": ["account": .document(build.document)],
                    ]
                ],
                into: "daybook.runs")
            let (later, before) = (
                try BSONDate(Date().addingTimeInterval(12)), try BSONDate(Date().addingTimeInterval(-60))
            )
            try await store.raw.insert(
                [
                    [
                        "_id": "held", "holder": "host:1", "epoch": 1, "acquiredAt": .datetime(before),
                        "expiresAt": .datetime(later),
                    ],
                    [
                        "_id": "over", "holder": "host:2", "epoch": 1, "acquiredAt": .datetime(before),
                        "expiresAt": .datetime(before),
                    ],
                ], into: "daybook.leases")
            let diagnosis = await store.diagnose()
            let check = try finding(diagnosis, .warning)
            #expect(check.detail.hasPrefix("snapshots.other.rebuild: of a rebuild that no run goes on with"))
            let leases = diagnosis.checks.filter { $0.name == "leases" }
            #expect(
                leases.count == 1 && leases.first?.detail.hasPrefix("held is held by host:1, for 6") == true,
                "\(leases)")
            let command = try #require(check.remedy?.split(separator: "\n").last)
            try await MongoShell(database: store.raw).type(command.trimmingCharacters(in: .whitespaces))
            #expect(await store.diagnose().warnings == 0)
        }
    }

    @Test("doctor finds snapshots that lag behind their commits, and a missing projector")
    func lag() async throws {
        // Commits of an hour ago.
        let past = CommitClock(now: { Date().addingTimeInterval(-3_600) }, random: { UInt64.random(in: .min ... .max) })
        try await withStore(knowing: [Tally.self], configure: { $0.clock = past }) { writer in
            let tallies = writer.repository(Tally.self)
            for key in ["a", "b", "c"] { try await tallies.execute(.depositEach([1, 2]), on: key) }
            await writer.poster.drain()
            var current = writer.configuration
            current.clock = .system
            let configuration = current
            try await withDaybook(configuration, aggregates: [Tally.self]) { store in
                let projector = try finding(await store.diagnose(), .warning)
                #expect(projector.name == "projector of tally")
                try await store.raw.update(["_id": "tally/a"], with: ["$set": ["version": 1]], in: "snapshots.tally")
                try await store.raw.delete(["_id": "tally/c"], from: "snapshots.tally")
                let lag = try #require(checks(await store.diagnose(), .warning).first)
                #expect(lag.name == "lag of tally")
                #expect(
                    lag.detail.hasPrefix(
                        "of the snapshots of the 3 aggregates that changed last, 2 are behind, by 3 events: tally/a is at version 1 of 2, for 60 min"
                    ),
                    "\(lag.detail)")
                #expect(lag.remedy?.contains("patch --type tally") == true)
                // A process that looks after them mends both.
                let service = Task {
                    try await withDaybook(configuration, aggregates: [Tally.self]) { try await $0.run() }
                }
                await eventually("all is well", within: .seconds(30)) {
                    let diagnosis = await store.diagnose()
                    return diagnosis.problems == 0 && diagnosis.warnings == 0
                }
                let healed = await store.diagnose()
                service.cancel()
                _ = await service.result
                #expect(healed.warnings == 0 && healed.problems == 0, "\(healed.checks)")
                #expect(healed.checks.contains { $0.name == "lag of tally" && $0.detail.hasSuffix("none lags") })
            }
        }
    }

    /// How many events each account has.
    private enum Entries: Projection {
        struct Document: Queryable { var count = 0 }

        static let name: SubscriptionName = "entries"
        static var sources: [EventSource<Entries>] {
            [.events(of: Account.self, key: { $0.aggregateID.key }) { $1.count += 1 }]
        }
    }

    @Test("doctor finds subscriptions that are behind, parked, of another version or half built, and shows a pause")
    func subscriptions() async throws {
        // Commits of an hour ago.
        let past = CommitClock(now: { Date().addingTimeInterval(-3_600) }, random: { UInt64.random(in: .min ... .max) })
        try await withStore(knowing: [Account.self], configure: { $0.clock = past }) { writer in
            for key in ["a", "b"] { try await writer.repository(Account.self).execute(.depositEach([1, 2]), on: key) }
            var current = writer.configuration
            current.clock = .system
            let configuration = current
            try await withDaybook(
                configuration, aggregates: [Account.self], subscriptions: [.projection(Entries.self)]
            ) { store in
                try await store.initialize()
                let behind = try finding(await store.diagnose(), .warning)
                #expect(behind.name == "subscription entries")
                #expect(
                    behind.detail
                        == "no process runs it; of the 2 aggregates that changed last, 2 are behind: account/a since 60 min"
                )
                let service = Task {
                    try await withDaybook(
                        configuration, aggregates: [Account.self], subscriptions: [.projection(Entries.self)]
                    ) { try await $0.run() }
                }
                await eventually("all is handled", within: .seconds(30)) {
                    // Its view is made first, which is no fault either.
                    await store.diagnose().checks.contains { $0.detail.hasSuffix("none is behind") }
                }
                let healed = await store.diagnose().checks
                service.cancel()
                _ = await service.result
                #expect(healed.allSatisfy { $0.level == .ok }, "\(healed)")
                let check = healed.first { $0.name == "subscription entries" }
                #expect(check?.detail.hasPrefix("run by ") == true && check?.detail.hasSuffix("none is behind") == true)
                #expect(healed.contains { $0.name == "tail" })
                #expect(!healed.contains { $0.detail.contains("subscription.entries.0") })

                let reason = SubscriptionAdministration.Reason(by: "ada", why: "a fault")
                try await store.subscriptions.pause("entries", reason)
                let paused = await store.diagnose().checks
                #expect(paused.allSatisfy { $0.level == .ok }, "\(paused)")
                #expect(paused.contains { $0.detail.hasPrefix("paused by ada") && $0.detail.hasSuffix(": a fault") })
                let yesterday = BSONDate(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000) - 86_400_000)
                try await store.raw.update(
                    ["_id": "entries"], with: ["$set": ["paused.at": .datetime(yesterday)]], in: "daybook.subscriptions"
                )
                let long = try finding(await store.diagnose(), .warning)
                #expect(
                    long.detail.contains("for 24 h") && long.remedy?.contains("subscriptions resume entries") == true)
                try await store.subscriptions.resume("entries", reason)

                let letter: BSONDocument = ["_id": "entries/account/a", "subscription": "entries"]
                try await store.raw.insert([letter], into: "daybook.deadLetters")
                let parked = try finding(await store.diagnose(), .warning)
                #expect(parked.detail.hasPrefix("1 aggregate is parked"))
                try await store.raw.delete(["_id": "entries/account/a"], from: "daybook.deadLetters")

                for (version, remedy) in [(0, "projections rebuild --swap entries"), (7, "Use the newer program")] {
                    try await store.raw.update(
                        ["_id": "entries"], with: ["$set": ["version": .int32(Int32(version))]],
                        in: "daybook.subscriptions")
                    let other = try finding(await store.diagnose(), .warning)
                    #expect(other.detail == "its documents are of version \(version), and this program makes version 1")
                    #expect(other.remedy?.contains(remedy) == true)
                }
                try await store.raw.update(
                    ["_id": "entries"], with: ["$set": ["version": 1, "state": "rebuilding"]],
                    in: "daybook.subscriptions")
                let half = try finding(await store.diagnose(), .warning)
                #expect(half.detail == "its state is rebuilding, and no process goes on with that")
            }
        }
    }

    @Test("doctor finds that a mark does not come back")
    func silentStream() async throws {
        try await withTestStore { store in
            // The tail is looked at where there are subscriptions.
            let record: BSONDocument = [
                "_id": "entries", "kind": "projection", "delivery": "posted", "types": ["account"], "version": 1,
                "partitions": 8, "state": "live",
            ]
            try await store.raw.insert([record], into: "daybook.subscriptions")
            try await ReconcileFixture.withWatched(on: store) { watched, proxy in
                // As of a server that has no majority: the mark is written, and no stream shows it.
                let lost = FaultProxy.Answer("acknowledged, and not done", .nothing) { _ in ["ok": 1.0, "n": 1] }
                proxy.fail("insert", .answer(lost), times: 1_000)
                let check = try #require(await watched.diagnose().checks.first { $0.name == "tail" })
                #expect(check.level == .problem)
                #expect(check.detail.hasPrefix("a mark did not come back by the change stream within 11 s"))
                #expect(check.remedy?.contains("rs.status()") == true)
                proxy.heal()
                #expect(await watched.diagnose().checks.first { $0.name == "tail" }?.level == .ok)
            }
        }
    }

    @Test(
        "doctor says which privilege is missing, and makes the other checks",
        .enabled(if: try TestServer.asksForPasswords))
    func unauthorized() async throws {
        try await withStore { store in
            let (user, password) = ("nobody-\(UUID().uuidString)", UUID().uuidString)
            _ = try await store.raw.write([
                "createUser": .string(user), "pwd": .string(password), "mechanisms": ["SCRAM-SHA-1"], "roles": [],
            ])
            var address = try ServerAddress(TestServer.uri).signingIn(user, password, knownTo: store.database)
            address.options.append("authMechanism=SCRAM-SHA-1")
            try await withDaybook(
                DaybookConfiguration(uri: address.uri, database: store.database), aggregates: [Tally.self]
            ) {
                theirs in
                let diagnosis = await theirs.diagnose()
                #expect(diagnosis.problems == 0 && diagnosis.hasReachedServer, "\(diagnosis.checks)")
                let warnings = checks(diagnosis, .warning)
                for (name, privilege) in [
                    ("access to journal", "find on journal"), ("access to snapshots.tally", "find on snapshots.tally"),
                    ("journal", "listCollections on the database"),
                    ("lag of tally", "find on journal and on snapshots.tally"),
                    ("projector of tally", "find on daybook.leases and daybook.checkpoints"),
                    ("runs", "find on daybook.runs"),
                ] {
                    let check = warnings.first { $0.name == name }
                    #expect(
                        check?.detail.contains("this user may not look at it: that takes \(privilege)") == true,
                        "\(name): \(warnings)")
                }
                #expect(diagnosis.checks.first?.level == .ok)
            }
            let wrong = try ServerAddress(TestServer.uri).signingIn(user, "wr0ng", knownTo: store.database).uri
            try await withDaybook(DaybookConfiguration(uri: wrong, database: store.database)) { theirs in
                let diagnosis = await theirs.diagnose()
                #expect(!diagnosis.hasReachedServer)
                #expect(diagnosis.checks.first?.detail.contains("refused the credentials") == true)
            }
        }
    }

    @Test("doctor finds a server that has no transactions", .enabled(if: OwnServer.isAvailable))
    func standalone() async throws {
        try await OwnServer.run(["--standalone"]) { server in
            try await withDaybook(DaybookConfiguration(uri: server.uri(), database: "d")) { store in
                let check = try #require(checks(await store.diagnose(), .problem).first)
                #expect(check.name == "server" && check.detail.contains("a standalone server"))
                #expect(check.remedy?.contains("--replSet") == true)
            }
        }
    }

    @Test(
        "doctor warns of a sharded cluster whose commits may return before they are visible",
        arguments: [(17, true), (18, false)])
    func earlyReturn(wireVersion: Int32, isWarned: Bool) async throws {
        let server = try FakeServer { command in
            guard ["hello", "isMaster", "ismaster"].contains(command) else { return ["ok": 1.0] }
            return [
                "ismaster": true, "isWritablePrimary": true, "helloOk": true, "msg": "isdbgrid",
                "maxBsonObjectSize": .int32(16_777_216), "maxMessageSizeBytes": .int32(48_000_000),
                "maxWriteBatchSize": .int32(100_000), "minWireVersion": .int32(0),
                "maxWireVersion": .int32(wireVersion),
                "ok": 1.0,
            ]
        }
        defer { server.close() }
        let uri = "mongodb://127.0.0.1:\(server.port)/?serverSelectionTimeoutMS=2000"
        try await withDaybook(DaybookConfiguration(uri: uri, database: "d")) { store in
            let check = try #require(await store.diagnose().checks.first { $0.name == "server" })
            #expect(check.detail.contains("a sharded cluster"))
            #expect(check.level == (isWarned ? .warning : .ok))
            #expect(
                check.remedy?.contains("coordinateCommitReturnImmediatelyAfterPersistingDecision")
                    == (isWarned ? true : nil))
        }
    }

    @Test("doctor finds a server that is too old")
    func old() async throws {
        let server = try FakeServer(maximumWireVersion: 9)
        defer { server.close() }
        let uri = "mongodb://127.0.0.1:\(server.port)/?directConnection=true&serverSelectionTimeoutMS=2000"
        try await withDaybook(DaybookConfiguration(uri: uri, database: "d")) { store in
            let diagnosis = await store.diagnose()
            #expect(diagnosis.hasReachedServer && diagnosis.problems == 1)
            #expect(diagnosis.checks.first?.detail.contains("older than MongoDB 5.0") == true)
        }
    }
}
