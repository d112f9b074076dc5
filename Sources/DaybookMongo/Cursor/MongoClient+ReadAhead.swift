package import DaybookBSON

extension MongoClient {
    /// Runs `body` with the documents that match, in batches that are read one ahead: while `body` works at one, the next is on its way.
    ///
    /// It holds a connection from the first batch to the end of `body`, and two batches in memory.
    package func withReadAhead<R>(
        _ filter: BSONDocument, in namespace: Namespace, options: FindOptions, isolation: isolated (any Actor)? = #isolation,
        _ body: (ReadAhead) async throws -> R
    ) async throws -> R {
        let reader = ReadAhead(client: self, request: .find(filter), namespace: namespace, options: options)
        do {
            let result = try await body(reader)
            await reader.close()
            return result
        } catch {
            await reader.close()
            throw error
        }
    }
}
