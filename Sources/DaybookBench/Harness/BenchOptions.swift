/// How much is measured.
struct BenchOptions: Sendable {
    var rounds: Int
    /// Of one side in one round.
    var seconds: Double
    var writers: Int
    /// Events in a journal.
    var sizes: [Int]
}
