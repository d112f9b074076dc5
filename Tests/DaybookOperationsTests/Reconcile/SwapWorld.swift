@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation

/// A database in memory with writers, operators and processes that swap, in which every request can be stopped, lost or
/// done late.
///
/// `@unchecked Sendable`: it is only touched by the thread that runs the schedule.
final class SwapWorld: @unchecked Sendable {
    struct Snapshot: Equatable {
        var version: Int64
        /// The program whose rebuild wrote it; nil for a commit.
        var program: String?
    }

    final class Collection {
        let uuid: UUID
        var snapshots: [AggregateID: Snapshot] = [:]
        var hasIndexes = false

        init(uuid: UUID) { self.uuid = uuid }
    }

    struct Event {
        var id: AggregateID
        var version: Int64
    }

    struct Lease {
        var holder: String
        var epoch: Int
        var isExpired: Bool
    }

    /// A process that was started, and what an operator does to it.
    final class Process: @unchecked Sendable {
        let name: String
        let program: String
        var isKilled = false
        var isInterrupted = false
        /// After Ctrl-C what is written at the end is still written.
        var isEnding = false
        var hasEnded = false
        /// How many of the journal's events its change stream has handed over, for each type.
        var consumed: [AggregateType: Int] = [:]
        /// The mark that it has written last for each type, before which event of the journal.
        var marks: [AggregateType: (id: UUID, position: Int)] = [:]
        /// How often it has looked at its change streams.
        var looks = 0
        /// When it acquired the lease of each type.
        var acquired: [AggregateType: Int] = [:]

        init(name: String, program: String) {
            self.name = name
            self.program = program
        }
    }

    /// A request that waits for the schedule.
    struct Request {
        let process: Process
        let name: String
        let isWrite: Bool
        let end: (Ending) -> Void
    }

    enum Ending {
        case answered
        case killedBefore
        /// It is done, now or late, and its process never hears of it.
        case killedAfter(isLate: Bool)
        /// It is done, now or late, and its process only hears that the connection broke.
        case unanswered(isLate: Bool)
    }

    struct Killed: Error {}

    static let types: [AggregateType] = ["a", "b"]

    /// Whether the server refuses requests for a collection of another UUID, as MongoDB does since 6.0.
    let checksUUIDs: Bool
    var collections: [String: Collection] = [:]
    var journal: [Event] = []
    var versions: [AggregateID: Int64] = [:]
    var runs: [UUID: MaintenanceRun] = [:]
    var leases: [AggregateType: Lease] = [:]
    /// How many collections were made to be swapped in.
    var builds: [AggregateType: Int] = [:]
    /// How often a build came to the other of its two names: it was made, or moved there.
    var turns: [AggregateType: Int] = [:]
    /// The server no longer knows places before this one.
    var oldestPlace = 0
    var waiting: [Request] = []
    var late: [() -> Void] = []
    var time = Date(timeIntervalSince1970: 1_780_000_000)
    var trace: [String] = []
    var faults: [String] = []
    private var numbers: UInt64 = 0
    private var epochs = 0
    /// Counts what happens, to tell before from after.
    private(set) var moment = 0
    private var lastSuccess: [AggregateType: Int] = [:]

    init(checksUUIDs: Bool) {
        self.checksUUIDs = checksUUIDs
        for type in Self.types {
            let live = Collection(uuid: newUUID())
            live.hasIndexes = true
            collections[Self.live(type)] = live
            for key in 0..<3 { if let id = try? AggregateID(type, key: "k\(key)") { commit(id) } }
        }
    }

    static func live(_ type: AggregateType) -> String { "snapshots.\(type)" }

    func newUUID() -> UUID {
        numbers += 1
        return withUnsafeBytes(of: numbers.bigEndian) { bytes in
            UUID(
                uuid: (
                    0, 0, 0, 0, 0, 0, 0x40, 0, bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6],
                    bytes[7]
                ))
        }
    }

    // MARK: Requests

    /// Sends a request, and waits until the schedule says what becomes of it.
    func request<R: Sendable>(
        _ process: Process, _ name: String, isWrite: Bool = false, _ effect: @escaping () throws -> R
    ) async throws -> R {
        guard !process.isKilled else { throw Killed() }
        if process.isInterrupted, !process.isEnding { throw CancellationError() }
        return try await withCheckedThrowingContinuation { continuation in
            waiting.append(
                Request(process: process, name: name, isWrite: isWrite) { [self] ending in
                    moment += 1
                    trace.append("\(process.name) \(name): \(ending)")
                    func done(isLate: Bool) {
                        if isLate {
                            late.append { [self] in
                                trace.append("late: \(process.name) \(name)")
                                _ = try? effect()
                            }
                        } else {
                            _ = try? effect()
                        }
                    }
                    switch ending {
                    case .answered: continuation.resume(with: Result { try effect() })
                    case .killedBefore:
                        process.isKilled = true
                        continuation.resume(throwing: Killed())
                    case .killedAfter(let isLate):
                        process.isKilled = true
                        done(isLate: isLate)
                        continuation.resume(throwing: Killed())
                    case .unanswered(let isLate):
                        done(isLate: isLate)
                        continuation.resume(throwing: MongoError(.network, "the connection broke"))
                    }
                })
        }
    }

    // MARK: Writers

    func commit(_ id: AggregateID) {
        let version = (versions[id] ?? 0) + 1
        versions[id] = version
        journal.append(Event(id: id, version: version))
        collections[Self.live(id.type)]?.snapshots[id] = Snapshot(version: version)
    }

    // MARK: The server

    /// As MongoDB does, a write to a collection that is not there makes one.
    func collectionForWrite(_ name: String) -> Collection {
        if let found = collections[name] { return found }
        let made = Collection(uuid: newUUID())
        collections[name] = made
        return made
    }

    func isExpected(_ build: SnapshotBuild) -> Bool {
        guard let found = collections[build.collection] else { return false }
        return !checksUUIDs || found.uuid == build.uuid
    }

    func rename(_ build: SnapshotBuild, to name: String, type: AggregateType, consumed: Int, by process: Process) throws
    {
        guard isExpected(build), let moved = collections[build.collection] else {
            var error = MongoError(.server, "no such collection")
            error.serverCode = 26
            throw error
        }
        collections[build.collection] = nil
        collections[name] = moved
        guard name == Self.live(type) else { return }
        if !moved.hasIndexes { faults.append("\(process.name) renamed a collection without indexes") }
        for event in journal[..<consumed] where event.id.type == type {
            if moved.snapshots[event.id]?.version ?? 0 < event.version {
                faults.append("\(process.name) renamed a collection that lacks \(event)")
            }
        }
        if let success = lastSuccess[type], process.acquired[type] ?? 0 < success {
            faults.append("a rename of \(process.name) undid what a later run had done")
        }
    }

    // MARK: Leases

    func acquire(_ type: AggregateType, _ process: Process) throws -> Int {
        if let lease = leases[type], !lease.isExpired {
            throw DaybookError(.conflict, "held by \(lease.holder)")
        }
        epochs += 1
        leases[type] = Lease(holder: process.name, epoch: epochs, isExpired: false)
        process.acquired[type] = moment
        return epochs
    }

    func renew(_ type: AggregateType, epoch: Int) throws {
        guard leases[type]?.epoch == epoch else { throw DaybookError(.conflict, "the lease was lost") }
        leases[type]?.isExpired = false
    }

    // MARK: What must hold

    /// A run of `process` says that it is done: the collections are exactly what the journal says.
    func expectExact(_ types: [AggregateType], after process: Process) {
        for type in types {
            lastSuccess[type] = moment
            guard let live = collections[Self.live(type)] else {
                faults.append("\(process.name) was done, and there is no collection")
                continue
            }
            if !live.hasIndexes { faults.append("\(process.name) was done, and \(type) lacks its indexes") }
            let expected = versions.filter { $0.key.type == type }
            if live.snapshots.mapValues(\.version) != expected {
                faults.append("\(process.name) was done, and \(type) has \(live.snapshots), not \(expected)")
            }
            // Where its lease ran out while it was at another type, a program of another kind may have rebuilt this one
            // since.
            guard leases[type]?.holder == process.name else { continue }
            for (id, snapshot) in live.snapshots {
                if let program = snapshot.program, program != process.program {
                    faults.append("\(process.name) was done, and \(id) is of the program \(program)")
                }
            }
        }
    }
}
