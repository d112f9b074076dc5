package import DaybookMongo

extension MongoClient {
    /// Runs a read, and repeats it if a swap of its collection ended it.
    package func readingThroughSwaps<R: Sendable>(_ body: @Sendable (isolated MongoConnection) throws -> R) async throws
        -> R
    {
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
