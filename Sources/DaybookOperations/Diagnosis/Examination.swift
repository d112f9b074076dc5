internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// One pass over everything that ``DaybookStore/diagnose()`` reports.
struct Examination {
    let store: DaybookStore
    private(set) var diagnosis = Diagnosis()
    /// The server's time when the examination began, and this machine's.
    private let begun: (server: Date, here: ContinuousClock.Instant)
    /// How far the server's clock is ahead of this machine's.
    private let offset: TimeInterval?
    private let hello: BSONDocument

    private typealias Check = Diagnosis.Check

    /// - Throws: Any error that prevents the server from describing itself.
    init(_ store: DaybookStore, on connection: isolated MongoConnection) throws {
        self.store = store
        let (sent, start) = (store.configuration.clock.now(), ContinuousClock.now)
        hello = try connection.read(["hello": 1], database: "admin")
        guard case .datetime(let server) = hello["localTime"] else {
            offset = nil
            begun = (sent, start)
            return
        }
        let roundTrip = (ContinuousClock.now - start) / .seconds(1)
        offset = ServerClock.offset(sent: sent, roundTrip: roundTrip, server: server.date)
        begun = (server.date, .now)
    }

    /// The server's time now. An examination of a busy server takes longer than a lease lasts.
    var now: Date { begun.server.addingTimeInterval((ContinuousClock.now - begun.here) / .seconds(1)) }

    /// The diagnosis when no server replies, or none that is suitable.
    static func unreachable(_ error: any Error) -> Diagnosis {
        let error = DaybookError.enriching(error, operation: "doctor", aggregateID: nil) as? DaybookError
        var diagnosis = Diagnosis()
        // A server that is too old has replied.
        diagnosis.hasReachedServer = error?.code == .unsupportedServer
        let remedy = diagnosis.hasReachedServer ? "Upgrade it to MongoDB 5.0 or later." : nil
        diagnosis.checks = [Check("server", .problem, error?.message ?? "no server answered", remedy: remedy)]
        return diagnosis
    }

    mutating func run(on connection: isolated MongoConnection) {
        diagnosis.checks.append(server(on: connection))
        diagnosis.checks.append(Self.writeConcern(store.client.settings))
        diagnosis.checks.append(Self.readPreference(store.client.settings))
        diagnosis.checks.append(clock)
        for look in looks {
            do {
                diagnosis.checks += try look.check(connection)
            } catch {
                diagnosis.checks.append(Self.failed(look.name, privilege: look.privilege, error))
                // Every further check would wait just as long for the same error.
                if let error = error as? MongoError, error.code == .noServer { return }
            }
        }
    }

    /// A check, with the privilege that it needs.
    struct Look {
        let name: String
        /// The privilege, as in `find on journal`.
        let privilege: String
        let check: (isolated MongoConnection) throws -> [Diagnosis.Check]
    }

    private var looks: [Look] {
        access + definitions + foreignIndexes + [commits] + lag + [subscriptions, runs, leases, leftovers]
    }

    static func failed(_ name: String, privilege: String, _ error: any Error) -> Diagnosis.Check {
        guard let error = error as? MongoError, error.code == .unauthorized else {
            let reason = (DaybookError.enriching(error, operation: "doctor", aggregateID: nil) as? DaybookError)?
                .message
            return Check(name, .problem, "it could not be looked at: \(reason ?? "\(error)")")
        }
        return Check(
            name, .warning, "this user may not look at it: that takes \(privilege)",
            remedy: "Run doctor as a user with the role daybookOperator, or grant that privilege.")
    }

    // MARK: Server

    private func server(on connection: isolated MongoConnection) -> Check {
        let build = try? connection.read(["buildInfo": 1], database: "admin")
        let version =
            if case .string(let version) = build?["version"] { "MongoDB \(version)" } else { "MongoDB, 5.0 or later" }
        if case .string("isdbgrid") = hello["msg"] {
            // Wire version 18 is MongoDB 6.1.
            guard hello["maxWireVersion"]?.number ?? 0 < 18 else {
                return Check("server", .ok, "\(version), a sharded cluster")
            }
            // https://www.mongodb.com/docs/v6.0/reference/parameters/; a router does not report how its shards are
            // configured.
            return Check(
                "server", .warning,
                "\(version), a sharded cluster: unless its shards are told otherwise, a commit over two of them "
                    + "returns before it is visible",
                remedy:
                    "Set coordinateCommitReturnImmediatelyAfterPersistingDecision to false on every shard, or upgrade "
                    + "to MongoDB 6.1 or later."
            )
        }
        guard case .string(let set) = hello["setName"] else {
            return Check(
                "server", .problem, "\(version), a standalone server, which has no transactions; a commit needs them",
                remedy:
                    "Run it as a replica set, be it of one node: mongod --replSet NAME, then rs.initiate() in mongosh.")
        }
        return Check("server", .ok, "\(version), the replica set \"\(set)\"")
    }

    static func writeConcern(_ settings: ClientSettings) -> Diagnosis.Check {
        let name = "write concern"
        let source = settings.statesWriteConcern ? "the URI's" : "Daybook's default"
        let journaled =
            switch settings.isJournaled {
            case true?: ", journaled"
            case false?: ", without waiting for the journal on disk"
            case nil: ""
            }
        let remedy = "Leave w and journal out of the URI: then it is majority, journaled."
        switch settings.acknowledgement {
        case .majority where settings.isJournaled == false:
            return Check(
                name, .warning, "majority\(journaled): what is acknowledged may be lost in a power cut", remedy: remedy)
        case .majority:
            return Check(name, .ok, "majority\(journaled) (\(source))")
        case .members(let count):
            return Check(
                name, .warning,
                "w=\(count)\(journaled): what is acknowledged may be lost when another member becomes primary, unless "
                    + "\(count) "
                    + "\(count == 1 ? "is" : "are") a majority", remedy: remedy)
        case .named(let tag):
            return Check(name, .ok, "\"\(tag)\"\(journaled), of the replica set's configuration (the URI's)")
        }
    }

    static func readPreference(_ settings: ClientSettings) -> Diagnosis.Check {
        guard settings.readPreference != "primary" else { return Check("read preference", .ok, "primary") }
        return Check(
            "read preference", .ok,
            "\(settings.readPreference): queries may not yet see a commit that has returned; decisions read from the "
                + "primary all the same"
        )
    }

    private var clock: Check { Self.clock(offset: offset) }

    /// - Parameter offset: How far the server's clock is ahead; nil when the server did not report its time.
    static func clock(offset: TimeInterval?) -> Diagnosis.Check {
        guard let offset else { return Check("clock", .warning, "the server did not tell its time") }
        let tenths = (abs(offset) * 10).rounded() / 10
        let shown = "this machine's clock is \(tenths) s \(offset > 0 ? "behind" : "ahead of") the server's"
        guard abs(offset) > smallestClockOffset else {
            return Check("clock", .ok, offset == 0 ? "this machine's clock agrees with the server's" : shown)
        }
        return Check(
            "clock", abs(offset) > largestClockOffset ? .problem : .warning,
            "\(shown); commits are recorded by the server's",
            remedy:
                "Check the time synchronization of this machine and of the server: chronyc tracking, or timedatectl.")
    }
}
