@testable import Daybook
@testable import DaybookOperations
import Foundation
import TestSupport

/// One random order of what writers, operators, processes that swap and a server do, and what came of it.
struct SwapSchedule {
    private static let steps = 500

    private let world: SwapWorld
    private let executor = StepExecutor()
    private var random: SeededGenerator
    private var processes: [SwapWorld.Process] = []
    private var program = "p1"
    private(set) var successes = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        // One in four on a server that does not check UUIDs, as MongoDB 5.0.
        world = SwapWorld(checksUUIDs: seed % 4 != 0)
    }

    /// What went wrong, with what led to it; nil when nothing did.
    mutating func run() -> String? {
        let isWild = Bool.random(using: &random)
        for _ in 0..<Self.steps {
            executor.run()
            step(isWild: isWild)
            if !world.faults.isEmpty { return report() }
        }
        // Every process dies; its requests may still come late. The last command meets no fault.
        executor.run()
        for process in processes where !process.hasEnded { process.isKilled = true }
        while let request = world.waiting.popLast() {
            request.end(.killedAfter(isLate: request.isWrite && world.checksUUIDs && Bool.random(using: &random)))
            executor.run()
        }
        for type in SwapWorld.types { world.leases[type]?.isExpired = true }
        let last = start(SwapWorld.types, swaps: true, restarts: false)
        var patience = 20_000
        while !last.hasEnded, patience > 0 {
            patience -= 1
            executor.run()
            if Int.random(in: 0..<20, using: &random) == 0 { landLate() }
            // A dead process may have renewed its lease late, which runs out again: an operator waits for that.
            for type in SwapWorld.types where world.leases[type]?.holder != last.name {
                world.leases[type]?.isExpired = true
            }
            if let request = world.waiting.popLast() { request.end(.answered) }
        }
        if !last.hasEnded { world.faults.append("the last command did not end") }
        while !world.late.isEmpty { landLate() }
        world.expectExact(SwapWorld.types, after: last)
        successes = world.runs.values.count { $0.status == .done }
        // Its run may be an earlier one that it resumed.
        if !world.runs.values.contains(where: { $0.holder == last.name && $0.status == .done }) {
            world.faults.append("the last command was not done")
        }
        return world.faults.isEmpty ? nil : report()
    }

    private func report() -> String {
        (world.faults + ["after:"] + world.trace.suffix(400)).joined(separator: "\n")
    }

    private mutating func step(isWild: Bool) {
        let isIdle = processes.allSatisfy { $0.hasEnded || $0.isKilled }
        let odds = isWild ? 40 : 120
        if chance(isIdle ? 4 : odds) { startAny() }
        if chance(12) {
            let type = SwapWorld.types.randomElement(using: &random) ?? "a"
            let number = Int.random(in: 0..<5, using: &random)
            if let id = try? AggregateID(type, key: "k\(number)") { world.commit(id) }
        }
        if chance(isWild ? 10 : 30) { landLate() }
        // The lease of a dead process runs out; that of one which lives as well, when it is held up.
        for type in SwapWorld.types {
            guard let lease = world.leases[type], !lease.isExpired else { continue }
            let isDead = processes.first { $0.name == lease.holder }.map { $0.isKilled || $0.hasEnded } ?? true
            if chance(isDead ? 4 : 60) { world.leases[type]?.isExpired = true }
        }
        if chance(100) { processes.filter { !$0.hasEnded }.randomElement(using: &random)?.isInterrupted = true }
        if chance(300) { world.time += 4_000 }
        if chance(250) { program = program == "p1" ? "p2" : "p1" }
        if chance(300) { world.oldestPlace = world.journal.count }
        if chance(200) {
            let names = SwapWorld.types.flatMap { DatabasePlan.rebuildCollections(of: SwapWorld.live($0)) }
            let name = names[Int.random(in: 0..<names.count, using: &random)]
            // An operator who tidies up by hand.
            world.trace.append("operator drops \(name)")
            world.collections[name] = nil
        }
        guard !world.waiting.isEmpty else { return }
        let request = world.waiting.remove(at: Int.random(in: 0..<world.waiting.count, using: &random))
        request.end(ending(of: request, isWild: isWild))
    }

    private mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

    private mutating func ending(of request: SwapWorld.Request, isWild: Bool) -> SwapWorld.Ending {
        let odds = isWild ? 25 : 90
        if chance(odds) { return .killedBefore }
        guard request.isWrite else { return .answered }
        // Without UUIDs one request may come late, which the two names in turn stand for.
        let mayBeLate = world.checksUUIDs || (world.late.isEmpty && request.name.hasPrefix("rename"))
        if chance(odds) { return .killedAfter(isLate: mayBeLate && chance(2)) }
        if chance(odds) { return .unanswered(isLate: mayBeLate && chance(2)) }
        return .answered
    }

    private mutating func landLate() {
        guard !world.late.isEmpty else { return }
        world.late.remove(at: Int.random(in: 0..<world.late.count, using: &random))()
    }

    // MARK: Commands

    private mutating func startAny() {
        guard processes.count(where: { !$0.hasEnded && !$0.isKilled }) < 3 else { return }
        let scopes: [[AggregateType]] = [["a", "b"], ["a", "b"], ["a"], ["b"]]
        _ = start(
            scopes.randomElement(using: &random) ?? ["a"], swaps: Int.random(in: 0..<6, using: &random) > 0,
            restarts: Int.random(in: 0..<8, using: &random) == 0)
    }

    private mutating func start(_ types: [AggregateType], swaps: Bool, restarts: Bool) -> SwapWorld.Process {
        let process = SwapWorld.Process(name: "P\(processes.count + 1)", program: program)
        processes.append(process)
        world.time += 1
        world.trace.append(
            "\(process.name) is started by \(program): \(swaps ? "rebuild --swap" : "rebuild") of \(types)")
        let command = SwapCommand(world: world, process: process, types: types, swaps: swaps, restarts: restarts)
        Task(executorPreference: executor) { await command.run() }
        return process
    }
}

/// A `rebuild` as a process runs it: leases, record, swap, end. What is decided on the way is the product's.
private struct SwapCommand: Sendable {
    let world: SwapWorld
    let process: SwapWorld.Process
    let types: [AggregateType]
    let swaps: Bool
    let restarts: Bool

    func run() async {
        var leases: [(type: AggregateType, epoch: Int)] = []
        do {
            for type in types {
                let epoch = try await world.request(process, "acquire \(type)") { try world.acquire(type, process) }
                leases.append((type, epoch))
            }
            if swaps { try await swap(leases) } else { try await inPlace() }
        } catch {
            world.trace.append("\(process.name) ends: \(error)")
        }
        process.isEnding = true
        for (type, epoch) in leases {
            _ = try? await world.request(process, "release \(type)", isWrite: true) {
                if world.leases[type]?.epoch == epoch { world.leases[type]?.isExpired = true }
            }
        }
        process.hasEnded = true
    }

    private func begin(_ log: ModelRunLog) async throws -> MaintenanceRun {
        let parts = types.flatMap { type in
            IDRange(type).split(at: ["\(type)/k2"]).map { MaintenanceRun.Part(type: type.rawValue, range: $0) }
        }
        var new = MaintenanceRun(
            .rebuild, of: types.map(\.rawValue), id: world.newUUID(), holder: process.name, at: world.time)
        new.isSwap = swaps
        new.schemas = types.map { _ in 1 }
        new.program = process.program
        new.parts = parts
        return try await log.begin(new, resumes: true, restart: restarts) {
            world.trace.append("\(process.name): \($0)")
        }.run
    }

    private func swap(_ leases: [(type: AggregateType, epoch: Int)]) async throws {
        let log = ModelRunLog(world: world, process: process)
        let run = try await begin(log)
        let report = ReconcileReport.Builder(
            run, isKept: true, totalEvents: 0, in: log, every: .zero, onProgress: { _ in })
        do {
            for (type, epoch) in leases {
                let database = ModelSwapDatabase(world: world, process: process, type: type, epoch: epoch)
                let indices = run.parts.indices.filter { run.parts[$0].type == type.rawValue }
                try await SnapshotSwap(database: database, type: type, parts: indices, report: report).run()
            }
            try await report.record.end(.done)
            // Whoever started it hears of it now. A dead process's last record may come later, when others have gone
            // on.
            world.expectExact(types, after: process)
        } catch {
            process.isEnding = true
            try? await report.record.end(error is CancellationError ? .interrupted : .failed, reason: "\(error)")
            throw error
        }
    }

    /// It writes snapshots where they are, each by a compare-and-set on what was read, which no lease is needed for;
    /// here all at once.
    private func inPlace() async throws {
        let log = ModelRunLog(world: world, process: process)
        var run = try await begin(log)
        let found = try await world.request(process, "read in place") {
            types.reduce(into: [:]) { $0[$1] = world.collections[SwapWorld.live($1)]?.snapshots }
        }
        try await world.request(process, "rebuild in place", isWrite: true) {
            for type in types {
                let live = world.collectionForWrite(SwapWorld.live(type))
                for (id, version) in world.versions where id.type == type && live.snapshots[id] == found[type]?[id] {
                    live.snapshots[id] = SwapWorld.Snapshot(version: version, program: process.program)
                }
            }
        }
        (run.status, run.updatedAt) = (.done, world.time)
        _ = try await log.update(run, heldBy: process.name)
    }
}
