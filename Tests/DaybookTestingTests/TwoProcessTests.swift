import Daybook
import DaybookTesting
import Testing

/// Their files were recorded by another process, whose hashes were seeded otherwise.
@Suite("Golden files of another process")
struct TwoProcessTests {
    private static let events: [AddEvent] = (1...20).map { .added(amount: $0) }

    @Test("sets and dictionaries are encoded as in the other process")
    func unordered() throws {
        try checkGolden(Sum.self, events: Self.events, file: "Golden/sum.json")
    }

    /// Keeps a hash, which is another one in every process.
    struct Hashed: Adder {
        var total = 0
        var hash = 0
        init() {}

        mutating func apply(_ event: AddEvent) {
            total += event.amount
            hash = total.hashValue
        }
    }

    @Test("a value that is constant only within a process, such as a hash, is found")
    func hashed() throws {
        try checkDeterminism(of: Hashed.self, events: Self.events)
        let failure = try #require(throws: TestFailure.self) {
            try checkGolden(Hashed.self, events: Self.events, file: "Golden/hashed.json")
        }
        #expect(failure.code == .stateChanged)
        #expect(failure.message.contains("\n  state.hash: recorded "))
        #expect(!failure.message.contains("state.total"))
    }
}
