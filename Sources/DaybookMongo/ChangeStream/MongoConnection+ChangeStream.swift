internal import CMongoC
internal import DaybookBSON

extension MongoConnection {
    func openChangeStream(
        of database: String, pipeline: [BSONDocument], resumeAfter: ResumeToken?, maximumWait: Duration
    ) throws -> OpaquePointer {
        var options = BSONWriter()
        options.write(Int64(min(max(1, maximumWait / .milliseconds(1)), 86_400_000)), forKey: "maxAwaitTimeMS")
        options.writeIfPresent(resumeAfter?.document, forKey: "resumeAfter")
        let client: OpaquePointer = try openClient()
        let optionsDocument = try options.finish()
        let stream = try CursorRequest.pipeline(pipeline).document().withDriverBytes { pipeline in
            optionsDocument.withDriverBytes { daybook_change_stream_new(client, database, pipeline, $0) }
        }
        guard let stream else { throw failure("watch", on: database) }
        // libmongoc opens the stream in this call, and keeps an error for the first check.
        guard !daybook_change_stream_failed(stream, result) else {
            defer { daybook_change_stream_destroy(stream) }
            throw failure("watch", on: database)
        }
        return stream
    }

    /// The next change, borrowed until the next call; nil when none came during the wait.
    ///
    /// - Throws: ``MongoError`` `placeLost` when the stream has ended because its database was dropped.
    func nextChange(_ stream: OpaquePointer, in database: String) throws -> BorrowedDocument? {
        var failed = false
        let bytes = daybook_change_stream_next(stream, result, &failed)
        if failed { throw failure("watch", on: database) }
        guard let data = bytes.data else { return nil }
        let change = try BorrowedDocument(validatingLengthOf: UnsafeRawBufferPointer(start: data, count: bytes.length))
        guard try change.first("operationType")?.string() != "invalidate" else {
            var error = MongoError(
                .placeLost,
                "the database was dropped: its change stream has ended, and none continues from its place")
            error.operation = "watch"
            error.namespace = database
            throw error
        }
        return change
    }

    /// A copy of the stream's current token; nil until the server has sent one.
    func resumeToken(_ stream: OpaquePointer) -> ResumeToken? {
        let bytes = daybook_change_stream_token(stream)
        guard let data = bytes.data else { return nil }
        return ResumeToken(BSONDocument(unchecked: Array(UnsafeRawBufferPointer(start: data, count: bytes.length))))
    }

    func closeChangeStream(_ stream: OpaquePointer) {
        daybook_change_stream_destroy(stream)
    }
}
