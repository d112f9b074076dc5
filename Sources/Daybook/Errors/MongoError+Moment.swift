internal import DaybookMongo

extension MongoError {
    /// Whether the same read may well succeed now, behind an election, a lost connection or a cursor that was killed.
    var isOfTheMoment: Bool {
        switch code {
        case .network, .noServer, .timedOut: true
        // https://www.mongodb.com/docs/manual/reference/error-codes/: what an election gives
        case .server: isKilledCursor || (serverCode.map { [91, 189, 10107, 11600, 11602, 13435, 13436].contains($0) } ?? false)
        default: false
        }
    }

    /// Whether a cursor or a read ended because its collection was dropped, renamed or swapped under it.
    var isKilledCursor: Bool {
        // CursorNotFound, QueryPlanKilled, CursorKilled
        code == .server && (serverCode.map { [43, 175, 237].contains($0) } ?? false)
    }
}

extension MongoClient {
    /// Runs a read again that a swap of its collection has ended.
    func readingThroughSwaps<R: Sendable>(_ body: @Sendable (isolated MongoConnection) throws -> R) async throws -> R {
        for _ in 0..<5 {
            do {
                return try await withConnection(.single) { try body($0) }
            } catch let error as MongoError where error.isKilledCursor {
                continue
            }
        }
        return try await withConnection(.single) { try body($0) }
    }
}
