import Daybook
import DaybookBSON
@testable import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

@Suite("A document that others change too", .serialized, .timeLimit(.minutes(5)))
struct ContestedDocumentTests {
    @Test("does not hold up a long transaction for ever: that is divided until it is short enough")
    func divided() async throws {
        try await withArrivals { store in
            try await store.deposit(40, on: 40)
            try await runUntilPosted(store)
            try await store.deposit(400, on: 40)
            // One transaction with all of them takes 0.8 s at least.
            Arrivals.delay = 1_000
            defer { Arrivals.delay = 0 }
            let rival = Task {
                var turn: Int32 = 0
                while !Task.isCancelled {
                    turn += 1
                    for group in 0..<10 {
                        try await store.raw.update(
                            ["_id": .string("group-\(group)")], with: ["$set": ["turn": .int32(turn)]],
                            in: "views.arrivals")
                    }
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            let isPosted = try await running(store) { _ in try await store.isPosted(within: .seconds(60)) }
            rival.cancel()
            _ = await rival.result
            #expect(isPosted)
            try await store.expectExactArrivals()
        }
    }
}
