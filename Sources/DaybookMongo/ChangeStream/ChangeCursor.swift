/// The driver's change stream of one iterator, and the connection that it uses.
///
/// `@unchecked Sendable`: `opened` is accessed by the one task that iterates, and by `deinit` when no task can iterate
/// any more.
final class ChangeCursor<Change: Sendable>: @unchecked Sendable {
    private let stream: ChangeStream<Change>
    private var opened: (connection: MongoConnection, handle: OpaqueHandle)?
    private var failure: (any Error)?

    init(_ stream: ChangeStream<Change>) {
        self.stream = stream
    }

    deinit {
        guard let opened else { return }
        // The task drops the connection afterwards. The connection's deinit returns the client, on the connection's own
        // thread.
        Task { await opened.connection.closeChangeStream(opened.handle.pointer) }
    }

    func open() async throws {
        guard opened == nil else { return }
        let connection = try stream.client.openStreamConnection()
        let handle = try await Self.open(stream, on: connection)
        opened = (connection, handle)
    }

    func next() async throws -> ChangeStream<Change>.Element? {
        if let failure { throw failure }
        try await open()
        guard let opened else { return nil }
        while true {
            try Task.checkCancellation()
            do {
                if let element = try await Self.advance(stream, opened.handle, on: opened.connection) { return element }
            } catch {
                failure = error
                self.opened = nil
                await opened.connection.closeChangeStream(opened.handle.pointer)
                throw error
            }
        }
    }

    private static func open(_ stream: ChangeStream<Change>, on connection: isolated MongoConnection) throws
        -> OpaqueHandle
    {
        try connection.prepare()
        return OpaqueHandle(
            try connection.openChangeStream(
                of: stream.database, pipeline: stream.pipeline, resumeAfter: stream.resumeAfter,
                maximumWait: stream.maximumWait)
        )
    }

    private static func advance(
        _ stream: ChangeStream<Change>, _ handle: OpaqueHandle, on connection: isolated MongoConnection
    ) throws -> ChangeStream<Change>.Element? {
        let change = try connection.nextChange(handle.pointer, in: stream.database).map { try stream.decode($0) }
        guard let token = connection.resumeToken(handle.pointer) else { return nil }
        return change.map { .change($0, token) } ?? .idle(token)
    }
}
