@testable import Daybook
import Testing

@Suite("Pace")
struct PaceTests {
    @Test(
        "a rate may be as low and as high as a number can be",
        arguments: [Double.leastNonzeroMagnitude, 1e-300, 1e-9, 1e300, .greatestFiniteMagnitude])
    func extremes(rate: Double) async throws {
        let pace = Pace(perSecond: rate)
        #expect((1...500).contains(pace.portion(of: 500)))
        // The first has not to wait for another.
        try await pace.wait(for: 500)
    }
}
