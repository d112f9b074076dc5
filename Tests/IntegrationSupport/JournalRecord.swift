package import DaybookBSON
package import Foundation

/// An event as it stands in the journal, read past the library under test.
package struct JournalRecord: Sendable, Hashable {
    package let id: UUID
    package let aggregateID: String
    package let version: Int64
    package let type: String
    package let amount: Int64?
    package let commitID: UUID
    package let commitIndex: Int32
    package let commitCount: Int32
    package let commandID: String?

    package init?(_ document: BSONDocument) {
        guard case .binary(let id) = document["_id"], case .string(let aggregateID) = document["aggregateId"],
            case .int64(let version) = document["version"], case .string(let type) = document["type"],
            case .document(let data) = document["data"], case .document(let commit) = document["commit"],
            case .document(let meta) = document["meta"], case .binary(let commitID) = commit["id"],
            case .int32(let index) = commit["index"], case .int32(let count) = commit["count"],
            let id = UUID(id), let commitID = UUID(commitID)
        else { return nil }
        self.id = id
        self.aggregateID = aggregateID
        self.version = version
        self.type = type
        amount = if case .int64(let amount) = data["amount"] { amount } else { nil }
        self.commitID = commitID
        commitIndex = index
        commitCount = count
        commandID = if case .string(let commandID) = meta["commandId"] { commandID } else { nil }
    }
}

extension DriverFixture {
    /// The journal, in order of aggregate and version.
    ///
    /// - Throws: ``JournalDamage`` unless every aggregate's versions are 1, 2, 3 ... and every commit is whole: what
    ///   must hold whatever happened (G1, G2).
    package func journal() async throws -> [JournalRecord] {
        let documents = try await documents(in: "journal")
        let records = documents.compactMap { JournalRecord($0) }
            .sorted { ($0.aggregateID, $0.version) < ($1.aggregateID, $1.version) }
        guard records.count == documents.count else { throw JournalDamage(what: "a malformed event") }
        for (id, events) in Dictionary(grouping: records, by: \.aggregateID)
        where events.map(\.version) != (1...Int64(events.count)).map(\.self) {
            throw JournalDamage(what: "\(id) has the versions \(events.map(\.version))")
        }
        for (id, events) in Dictionary(grouping: records, by: \.commitID) {
            let indices = events.map(\.commitIndex).sorted()
            guard let count = events.first?.commitCount, indices == Array(0..<count) else {
                throw JournalDamage(what: "commit \(id) has only the events \(indices)")
            }
        }
        return records
    }
}

package struct JournalDamage: Error, CustomStringConvertible {
    let what: String
    package var description: String { "the journal is damaged: \(what)" }
}

extension UUID {
    fileprivate init?(_ binary: BSONBinary) {
        guard binary.bytes.count == 16 else { return nil }
        var bytes = noBytes
        withUnsafeMutableBytes(of: &bytes) { $0.copyBytes(from: binary.bytes) }
        self.init(uuid: bytes)
    }
}

private let noBytes: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
