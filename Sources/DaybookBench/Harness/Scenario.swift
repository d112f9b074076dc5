/// A kind of work that is measured.
protocol Scenario: Sendable {
    /// What `--scenario` calls it.
    static var name: String { get }

    func run(_ contest: Contest) async throws -> [Row]
}
