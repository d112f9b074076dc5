package import DaybookBSON

extension MongoClient {
    /// Runs `body` with the documents that match, in batches with one read ahead: while `body` processes a batch, the
    /// next is being read.
    ///
    /// It holds a connection from the first batch to the end of `body`, and two batches in memory.
    package func withReadAhead<R>(
        _ filter: BSONDocument, in namespace: Namespace, options: FindOptions,
        isolation: isolated (any Actor)? = #isolation,
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
