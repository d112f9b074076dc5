@testable import Daybook
import DaybookMongo
import Testing

@Suite("DaybookError of what happened below")
struct DaybookErrorMongoTests {
    @Test(
        "each error of the driver has its code here",
        arguments: [
            (.invalidConfiguration, .invalidConfiguration), (.noServer, .unavailable), (.network, .unavailable),
            (.timedOut, .unavailable), (.serverTooOld, .unsupportedServer),
            (.transactionsUnsupported, .unsupportedServer),
            (.authenticationFailed, .unauthorized), (.unauthorized, .unauthorized), (.poolExhausted, .poolExhausted),
            (.closed, .closed), (.tooLarge, .tooLarge), (.duplicateKey, .server), (.writeConflict, .server),
            (.validationFailed, .server), (.invalidData, .server), (.placeLost, .server), (.server, .server),
        ] as [(MongoError.Code, DaybookError.Code)])
    func codes(below: MongoError.Code, code: DaybookError.Code) {
        let error = DaybookError(MongoError(below, "it failed"), operation: "load", aggregateID: "parcel/P-1")
        #expect(error.code == code)
        #expect(error.description == "load parcel/P-1: it failed")
        #expect((error.underlying as? MongoError)?.code == below)
    }

    @Test("an error of the driver is enriched where it crosses into the API")
    func driver() async throws {
        let id = try AggregateID("parcel", key: "P-1")
        let error = await #expect(throws: DaybookError.self) {
            try await enriched("load", id) { throw MongoError(.network, "it broke") }
        }
        #expect(error?.code == .unavailable)
        #expect(error?.operation == "load")
        #expect(error?.aggregateID == "parcel/P-1")
    }

    @Test("a DaybookError keeps its own context, and gets what it lacks")
    func ours() async throws {
        let id = try AggregateID("parcel", key: "P-1")
        let bare = await #expect(throws: DaybookError.self) {
            try await enriched("load", id) { throw DaybookError(.conflict, "no", version: 3) }
        }
        #expect(bare?.description == "load parcel/P-1: no")
        #expect(bare?.version == 3)
        let full = await #expect(throws: DaybookError.self) {
            try await enriched("load", id) {
                throw DaybookError(.conflict, "no", aggregateID: "parcel/P-2", operation: "query")
            }
        }
        #expect(full?.description == "query parcel/P-2: no")
        let nested = await #expect(throws: DaybookError.self) {
            try await enriched("outer") { try await enriched("inner", id) { throw MongoError(.network, "no") } }
        }
        #expect(nested?.operation == "inner")
    }

    @Test("a refusal, a cancellation and an error of the caller's own pass as they are")
    func others() async throws {
        struct Own: Error, Equatable {}
        await #expect(throws: Parcel.Rejection.alreadyLost) {
            try await enriched("load") { throw Parcel.Rejection.alreadyLost }
        }
        await #expect(throws: CancellationError.self) { try await enriched("load") { throw CancellationError() } }
        await #expect(throws: Own()) { try await enriched("load") { throw Own() } }
        #expect(try await enriched("load") { 7 } == 7)
    }
}

/// An operation of the API, of a store that is not connected to anything.
private func enriched<R>(
    _ operation: String, _ aggregateID: AggregateID? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> R
) async throws -> R {
    let telemetry = Telemetry(logger: DaybookConfiguration(uri: "mongodb://127.0.0.1:1/").logger)
    return try await telemetry.perform(operation, aggregateID, body)
}
