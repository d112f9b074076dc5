@testable import DaybookSubscriptions
import Testing

@Suite("How many events a transaction handles")
struct BatchLimitTests {
    @Test("these are half as many after each conflict, one at least")
    func shrinks() {
        let limit = BatchLimit()
        #expect(limit.events == .max)
        limit.shrink(after: 400)
        #expect(limit.events == 200)
        // Fewer were there than it allows.
        limit.shrink(after: 7)
        #expect(limit.events == 3)
        for events in [3, 1, 1] { limit.shrink(after: events) }
        #expect(limit.events == 1)
    }

    @Test("they become more again with each success, up to the maximum", arguments: [20, Int.max])
    func grows(maximum: Int) {
        let limit = BatchLimit(maximum: maximum)
        limit.shrink(after: 1)
        var last = limit.events
        for _ in 0..<300 where last < maximum {
            limit.grow()
            #expect(limit.events > last)
            last = limit.events
        }
        #expect(last == maximum)
        limit.grow()
        #expect(limit.events == maximum)
    }
}
