import Daybook
import Foundation
import InMemoryTracing
import IntegrationSupport
import Testing
import Tracing

@Suite("Tracing", .timeLimit(.minutes(1)))
struct TracingTests {
    @Test("each operation is a span below its caller's, with its attributes")
    func spans() async throws {
        let tracer = InMemoryTracer()
        try await withTestStore(configure: { $0.tracer = tracer }) { store in
            let tallies = store.repository(Tally.self)
            try await tracer.withSpan("caller") { _ in
                let commit = try #require(try await tallies.execute(.deposit(1), on: "a"))
                try await tallies.append([.deposited(amount: 2)], to: "a", expecting: 1)
                _ = try await tallies.load("a")
                try await tallies.waitForSnapshot(of: commit)
                try await store.transaction { try await $0.execute(.deposit(1), on: "b", of: Tally.self) }
            }
            let spans = tracer.finishedSpans
            let caller = try #require(spans.first { $0.operationName == "caller" })
            for operation in ["execute", "append", "load", "waitForSnapshot", "transaction"] {
                let found = spans.filter { $0.operationName == "daybook.\(operation)" }
                #expect(found.count == 1, "\(operation)")
                let span = try #require(found.first)
                #expect(span.parentSpanID == caller.spanID)
                #expect(span.traceID == caller.traceID)
                #expect(span.kind == .client)
                #expect(span.errors.isEmpty)
                #expect(span.attributes.get("db.system.name") == "mongodb")
                #expect(span.attributes.get("db.operation.name") == .string(operation))
                if operation != "transaction" {
                    #expect(span.attributes.get("daybook.aggregate.type") == "tally")
                    #expect(span.attributes.get("daybook.aggregate.id") == "tally/a")
                }
            }
            #expect(tracer.activeSpans.isEmpty)
        }
    }

    @Test(
        "an error is recorded with its code, and a refusal by its type alone, because it may contain parts of the state"
    )
    func errors() async throws {
        let tracer = InMemoryTracer()
        try await withTestStore(configure: { $0.tracer = tracer }) { store in
            let tallies = store.repository(Tally.self)
            _ = try await daybookError { try await tallies.append([.deposited(amount: 1)], to: "a", expecting: 4) }
            let conflict = try #require(tracer.finishedSpans.last { $0.operationName == "daybook.append" })
            #expect((conflict.errors.first?.error as? DaybookError)?.code == .conflict)
            #expect(conflict.errors.count == 1)
            #expect(conflict.attributes.get("error.type") == "conflict")
            #expect(conflict.status?.code == .error)

            try await tallies.execute(.deposit(123_456), on: "a")
            await #expect(throws: Account.Rejection.self) { try await tallies.execute(.withdraw(200_000), on: "a") }
            let refusal = try #require(tracer.finishedSpans.last { $0.operationName == "daybook.execute" })
            #expect(refusal.errors.isEmpty)
            #expect(refusal.status == nil)
            #expect(refusal.attributes.get("error.type") == "Rejection")
            #expect(!"\(refusal)".contains("123456"))
        }
    }
}
