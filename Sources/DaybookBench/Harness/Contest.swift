internal import CBareDriver

/// Runs the sides of a case in turns, several rounds of each, because machines are noisy: what counts is the ratio
/// within a round.
struct Contest: Sendable {
    var rounds: Int
    /// Only the cases whose names contain this; empty for all.
    var filter = ""
    /// Only the sides whose names contain this, as for a profile; empty for all.
    var sideFilter = ""
    /// Told what is being done.
    let report: @Sendable (String) -> Void

    /// What one side did in one round.
    private struct Run {
        var operations = 0
        var seconds = 0.0
        var cpuSeconds = 0.0
        var peakBytes: UInt64 = 0
        var latencies = Latencies()

        var rate: Double { Double(operations) / seconds }
        var cpu: Double { cpuSeconds / Double(operations) }
    }

    func wants(_ name: String) -> Bool { filter.isEmpty || name.contains(filter) }

    /// - Returns: A row for Daybook, then one for each baseline.
    func run(_ work: Case) async throws -> [Row] {
        guard wants(work.name) else { return [] }
        report("\(work.scenario): \(work.name)")
        let sides = ([work.daybook] + work.baselines).filter { sideFilter.isEmpty || $0.name.contains(sideFilter) }
        let isPaired = sides.first?.name == work.daybook.name
        // The first round warms up, and counts allocations.
        var allocations: [Double?] = []
        for side in sides {
            try await side.prepare()
            bare_allocations_begin()
            let outcome: Result<Int, any Error>
            do { outcome = .success(try await side.run(Latencies())) } catch { outcome = .failure(error) }
            let count = bare_allocations_end()
            let operations = try outcome.get()
            try await side.finish()
            allocations.append(
                bare_allocations_are_countable() && operations > 0 ? Double(count) / Double(operations) : nil)
        }
        var runs = [[Run]](repeating: [], count: sides.count)
        for round in 0..<rounds {
            let order = round.isMultiple(of: 2) ? Array(sides.indices) : Array(sides.indices.reversed())
            for index in order { runs[index].append(try await measure(sides[index])) }
        }
        return sides.indices.map { index in
            row(work, sides[index], runs[index], allocations[index], beside: index > 0 && isPaired ? runs[0] : nil)
        }
    }

    private func measure(_ side: Side) async throws -> Run {
        try await side.prepare()
        var run = Run()
        _ = bare_reset_peak()
        let cpu = bare_process_cpu()
        let start = nanoseconds()
        run.operations = try await side.run(run.latencies)
        run.seconds = Double(nanoseconds() - start) / 1e9
        run.cpuSeconds = Double(bare_process_cpu() - cpu) / 1e9
        run.peakBytes = bare_peak()
        try await side.finish()
        return run
    }

    private func row(_ work: Case, _ side: Side, _ runs: [Run], _ allocations: Double?, beside daybook: [Run]?) -> Row {
        let latencies = Latencies()
        for run in runs { latencies.add(run.latencies) }
        let rates = Spread(runs.map(\.rate))
        return Row(
            scenario: work.scenario, name: work.name, side: side.name, unit: work.unit, rate: rates?.median ?? 0,
            p50: latencies.microseconds(at: 50), p99: latencies.microseconds(at: 99),
            cpu: Spread(runs.map { $0.cpu * 1e6 })?.median ?? 0, roundTrips: side.roundTrips, bytesSent: side.bytesSent,
            allocations: allocations, peakBytes: runs.map(\.peakBytes).max() ?? 0,
            ratio: daybook.map { daybook in
                Row.Ratio(
                    rate: Spread(zip(daybook, runs).map { $0.rate / $1.rate }),
                    cpu: Spread(zip(daybook, runs).map { $0.cpu / $1.cpu }),
                    p50: Spread(
                        zip(daybook, runs).compactMap { own, bare in
                            guard let own = own.latencies.microseconds(at: 50),
                                let bare = bare.latencies.microseconds(at: 50)
                            else { return nil }
                            return own / bare
                        }))
            })
    }
}
