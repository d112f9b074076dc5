internal import DaybookBSON
internal import Foundation

/// Encoding and decoding, beside Foundation's JSON coders on the same values. It needs no server.
///
/// Events are coded as the journal codes them: a case's name and its payload.
struct CodecScenario: Scenario {
    static let name = "codec"

    let options: BenchOptions

    func run(_ contest: Contest) async throws -> [Row] {
        var rows: [Row] = []
        rows += try await event("small enum", CodecSamples.small, contest)
        rows += try await event("6-field enum", CodecSamples.sixFields, contest)
        rows += try await event("30 fields, array of 100", CodecSamples.nested, contest)
        rows += try await state("state of 13 fields", CodecSamples.state, contest)
        rows += try await state("state of 30 fields, array of 100", CodecSamples.report, contest)
        return rows
    }

    private func event<E: Codable & Sendable & Equatable>(_ name: String, _ event: E, _ contest: Contest) async throws
        -> [Row]
    {
        let (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        let (type, payload) = try encoder.encodeCase(event)
        let json = try JSONEncoder().encode(event)
        let read = try payload.withBorrowed { try decoder.decodeCase(E.self, name: type, payload: $0) }
        guard read == event else { throw BenchError("the codec changes \(E.self)") }
        let encoding = Case(
            scenario: Self.name, name: "encode \(name)", unit: "event",
            daybook: side("Daybook") { _ = try encoder.encodeCase(event) },
            baselines: [jsonEncoding(event)])
        let decoding = Case(
            scenario: Self.name, name: "decode \(name)", unit: "event",
            daybook: side("Daybook") {
                _ = try payload.withBorrowed { try decoder.decodeCase(E.self, name: type, payload: $0) }
            }, baselines: [jsonDecoding(E.self, json)])
        return try await contest.run(encoding) + contest.run(decoding)
    }

    private func state<S: Codable & Sendable & Equatable>(_ name: String, _ state: S, _ contest: Contest) async throws
        -> [Row]
    {
        let (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        let document = try encoder.encode(state)
        let json = try JSONEncoder().encode(state)
        guard try decoder.decode(S.self, from: document) == state else {
            throw BenchError("the codec changes \(S.self)")
        }
        let encoding = Case(
            scenario: Self.name, name: "encode \(name)", unit: "state",
            daybook: side("Daybook") { _ = try encoder.encode(state) }, baselines: [jsonEncoding(state)])
        let decoding = Case(
            scenario: Self.name, name: "decode \(name)", unit: "state",
            daybook: side("Daybook") {
                _ = try document.withBorrowed { try decoder.decode(S.self, from: $0) }
            }, baselines: [jsonDecoding(S.self, json)])
        return try await contest.run(encoding) + contest.run(decoding)
    }

    // One coder for all values, as a program that cares would have.

    private func jsonEncoding(_ value: some Encodable & Sendable) -> Side {
        let encoder = JSONEncoder()
        return side("JSONEncoder") { _ = try encoder.encode(value) }
    }

    private func jsonDecoding<T: Decodable & Sendable>(_ type: T.Type, _ json: Data) -> Side {
        let decoder = JSONDecoder()
        return side("JSONDecoder") { _ = try decoder.decode(T.self, from: json) }
    }

    /// Repeats the same work for a fraction of the time that a scenario with a server takes: nothing here waits for a
    /// reply.
    private func side(_ name: String, _ work: @escaping @Sendable () throws -> Void) -> Side {
        let duration = UInt64(options.seconds / 5 * 1e9)
        return Side(name) { latencies in
            // As many as make the clock's own cost not matter.
            let group = 16
            var operations = 0
            var times: [UInt64] = []
            times.reserveCapacity(4_096)
            let end = nanoseconds() + duration
            var now = nanoseconds()
            repeat {
                for _ in 0..<group { try work() }
                let next = nanoseconds()
                if times.count < times.capacity { times.append((next - now) / UInt64(group)) }
                now = next
                operations += group
            } while now < end
            latencies.record(times)
            return operations
        }
    }
}
