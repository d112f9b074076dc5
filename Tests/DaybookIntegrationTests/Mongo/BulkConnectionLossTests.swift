import DaybookBSON
import DaybookMongo
import IntegrationSupport
import Testing

/// A bulk of 64 whose connection is cut: no member is told success for what is not there, none is written twice.
@Suite("A bulk write whose connection is cut", .timeLimit(.minutes(2)))
struct BulkConnectionLossTests {
    struct Cut: Sendable, CustomTestStringConvertible {
        let fault: FaultProxy.Fault
        let ordered: Bool
        /// Whether the driver sends a write again by itself, once.
        let retries: Bool

        var testDescription: String {
            "\(fault), \(ordered ? "ordered" : "unordered"), \(retries ? "with" : "without") retry"
        }

        static let all = [FaultProxy.Fault.dropReply, .dropRequest].flatMap { fault in
            [true, false].flatMap { ordered in [true, false].map { Cut(fault: fault, ordered: ordered, retries: $0) } }
        }
    }

    private func withClient(
        _ cut: Cut, _ body: (MongoClient, FaultProxy, DriverFixture) async throws -> Void
    ) async throws {
        try await withDriverFixture { fixture in
            try await fixture.withProxy { proxy in
                let client = try MongoClient(uri: fixture.uri(through: proxy, "retryWrites=\(cut.retries)"))
                try await body(client, proxy, fixture)
                await client.close()
            }
        }
    }

    @Test(
        "a bulk write whose connection is cut once is done where the driver sends it again, and otherwise unknown",
        arguments: Cut.all)
    func once(cut: Cut) async throws {
        try await withClient(cut) { client, proxy, fixture in
            proxy.fail("insert", cut.fault)
            let result = try await client.bulk(
                (0..<64).map { .insert(["_id": .int32($0)]) }, ordered: cut.ordered, in: fixture.namespace())
            #expect(proxy.faults == 1)
            #expect(result.fates == [Fate](repeating: cut.retries ? .done : .unknown, count: 64))
            #expect(result.inserted == (cut.retries ? 64 : 0))
            let isThere = cut.retries || cut.fault == .dropReply
            #expect(try await fixture.ids() == numbers(0..<(isThere ? 64 : 0)))
        }
    }

    @Test("a bulk write whose connection is cut for good has unknown outcomes", arguments: Cut.all)
    func forGood(cut: Cut) async throws {
        try await withClient(cut) { client, proxy, fixture in
            proxy.fail("insert", cut.fault, times: .max)
            let result = try await client.bulk(
                (0..<64).map { .insert(["_id": .int32($0)]) }, ordered: cut.ordered, in: fixture.namespace())
            #expect(result.fates == [Fate](repeating: .unknown, count: 64))
            #expect(try await fixture.ids() == numbers(0..<(cut.fault == .dropReply ? 64 : 0)))
            for case .unknown(let error) in result.outcomes {
                #expect(error.code == .network)
                #expect(error.operation == "bulk write")
                break
            }
        }
    }

    @Test(
        "a bulk write with duplicates that the driver sends again is accounted for by what the server reports",
        arguments: [true, false])
    func duplicates(ordered: Bool) async throws {
        try await withClient(Cut(fault: .dropReply, ordered: ordered, retries: true)) { client, proxy, fixture in
            try await fixture.insert([["_id": .int32(40)]])
            proxy.fail("insert", .dropReply)
            let result = try await client.bulk(
                (0..<64).map { .insert(["_id": .int32($0)]) }, ordered: ordered, in: fixture.namespace())
            #expect(proxy.faults == 1)
            let ids = try await fixture.ids()
            #expect(ids == numbers(0..<(ordered ? 41 : 64)))
            for (index, fate) in result.fates.enumerated() where fate == .done {
                #expect(ids.contains(.int32(Int32(index))))
            }
            // MongoDB remembers what it did of the first sending. SecantusDB does so only for a command without errors:
            // then what the first sending wrote is a duplicate, which is no success either.
            #expect(result.fates[40] == .failed(.duplicateKey) || result.fates[0] == .failed(.duplicateKey))
            #expect(result.fates.count { $0 == .done } == result.inserted)
            if ordered { #expect(result.fates[41...].allSatisfy { $0 == .notSent }) }
        }
    }

    @Test(
        "a bulk write that is cut between two kinds reports the first as done and the second as unknown",
        arguments: [true, false])
    func secondRun(ordered: Bool) async throws {
        let cut = Cut(fault: .dropReply, ordered: ordered, retries: false)
        try await withClient(cut) { client, proxy, fixture in
            proxy.fail("update", .dropReply)
            let result = try await client.bulk(
                [
                    .insert(["_id": .int32(0)]), .updateOne(["_id": .int32(0)], update: ["$set": ["n": 1]]),
                    .insert(["_id": .int32(1)]), .deleteOne(["_id": .int32(7)]),
                ], ordered: ordered, in: fixture.namespace())
            #expect(
                result.fates == (ordered ? [.done, .unknown, .notSent, .notSent] : [.done, .unknown, .done, .done]))
            #expect(try await fixture.ids() == numbers(0..<(ordered ? 1 : 2)))
        }
    }

    @Test("a bulk write that reaches the server after its client gave up takes effect once")
    func late() async throws {
        try await withDriverFixture { fixture in
            try await fixture.withProxy { proxy in
                let client = try MongoClient(
                    uri: fixture.uri(through: proxy, "retryWrites=false", "socketTimeoutMS=1000"))
                proxy.fail("insert", .hold)
                let result = try await client.bulk(
                    (0..<64).map { .insert(["_id": .int32($0)]) }, ordered: false, in: fixture.namespace())
                #expect(result.fates == [Fate](repeating: .unknown, count: 64))
                #expect(try await fixture.count() == 0)
                await proxy.release()
                #expect(try await fixture.count() == 64)
                // Sent again, as whoever was told `unknown` does: every member is a duplicate, and there once.
                let again = try await client.bulk(
                    (0..<64).map { .insert(["_id": .int32($0)]) }, ordered: false, in: fixture.namespace())
                #expect(again.fates == [Fate](repeating: .failed(.duplicateKey), count: 64))
                #expect(try await fixture.count() == 64)
                await client.close()
            }
        }
    }

    @Test(
        "a bulk write that is refused as a whole did nothing, or is unknown, by its error code",
        arguments: [(13, false), (2, false), (11600, true), (50, true), (8000, true)])
    func refused(code: Int32, isUnknown: Bool) async throws {
        try await withDriverFixture { fixture in
            let client = try MongoClient(uri: fixture.uri("retryWrites=false"))
            try await fixture.withFailPoint { failPoint in
                try await failPoint.set(.times(1), ["insert"], ["errorCode": .int32(code)])
                let result = try await client.bulk(
                    (0..<64).map { .insert(["_id": .int32($0)]) }, ordered: false, in: fixture.namespace())
                for outcome in result.outcomes {
                    switch outcome {
                    case .unknown(let error): #expect(isUnknown && error.serverCode == code)
                    case .failed(let error): #expect(!isUnknown && error.serverCode == code)
                    default: Issue.record("\(outcome)")
                    }
                }
                #expect(try await fixture.count() == 0)
            }
            await client.close()
        }
    }

    @Test("a bulk write whose write concern is not met is unknown, although it took effect")
    func writeConcern() async throws {
        try await withDriverFixture { fixture in
            let client = try MongoClient(uri: fixture.uri())
            try await fixture.withFailPoint { failPoint in
                try await failPoint.set(
                    .times(1), ["insert"], ["writeConcernError": ["code": .int32(64), "errmsg": "timed out"]])
                let result = try await client.bulk(
                    (0..<8).map { .insert(["_id": .int32($0)]) }, ordered: false, in: fixture.namespace())
                #expect(result.fates == [Fate](repeating: .unknown, count: 8))
                #expect(try await fixture.count() == 8)
                #expect(result.inserted == 8)
            }
            await client.close()
        }
    }
}
