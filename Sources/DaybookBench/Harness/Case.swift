/// Work that Daybook and others do in the same rounds.
struct Case: Sendable {
    let scenario: String
    let name: String
    /// What one operation is.
    let unit: String
    let daybook: Side
    /// The first is the one that the targets are about.
    let baselines: [Side]
}
