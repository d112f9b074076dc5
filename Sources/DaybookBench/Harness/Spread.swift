/// The middle of some measurements, and how far they are apart.
struct Spread: Sendable, Codable, Equatable {
    let median: Double
    let lowest: Double
    let highest: Double

    /// Nil of no measurements, or of what is not a number.
    init?(_ values: [Double]) {
        let sorted = values.filter(\.isFinite).sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        lowest = first
        highest = last
    }
}
