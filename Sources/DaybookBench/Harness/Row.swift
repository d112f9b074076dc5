/// What was measured of one side of a case.
struct Row: Sendable, Codable, Equatable {
    /// What Daybook's measurements are, divided by this side's, within each round.
    struct Ratio: Sendable, Codable, Equatable {
        /// Over 1: Daybook is faster.
        var rate: Spread?
        /// Under 1: Daybook takes less of the client's processor.
        var cpu: Spread?
        /// Under 1: Daybook answers sooner.
        var p50: Spread?
    }

    var scenario: String
    var name: String
    var side: String
    /// What one operation is.
    var unit: String
    /// Operations per second: the median of the rounds.
    var rate: Double
    /// Microseconds, over all rounds.
    var p50: Double?
    var p99: Double?
    /// Microseconds of this process, user and system, for an operation: the median of the rounds.
    var cpu: Double
    /// Commands for an operation.
    var roundTrips: Double?
    /// Bytes of those commands for an operation.
    var bytesSent: Double?
    /// Allocations for an operation.
    var allocations: Double?
    /// The highest resident size during any round.
    var peakBytes: UInt64
    /// Nil for Daybook's own row.
    var ratio: Ratio?
}
