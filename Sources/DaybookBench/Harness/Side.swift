internal import CBareDriver

/// One way of doing the work of a case: Daybook's, or the one without it.
struct Side: Sendable {
    let name: String
    /// Commands sent to the server for each operation, from a pass that counts them; nil where there is no server.
    var roundTrips: Double?
    /// Bytes of those commands for each operation.
    var bytesSent: Double?
    /// Makes ready what a run needs. It is not part of what is measured.
    let prepare: @Sendable () async throws -> Void
    /// Does the work, records how long each operation took, and says how many there were.
    let run: @Sendable (Latencies) async throws -> Int
    /// Waits for work that continues after the measurement. It is not measured.
    let finish: @Sendable () async throws -> Void

    init(
        _ name: String, prepare: @escaping @Sendable () async throws -> Void = {},
        run: @escaping @Sendable (Latencies) async throws -> Int,
        finish: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.name = name
        self.prepare = prepare
        self.run = run
        self.finish = finish
    }
}

/// The clock of the measurements.
func nanoseconds() -> UInt64 { bare_now() }
