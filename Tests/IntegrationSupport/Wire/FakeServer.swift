package import DaybookBSON

/// Something on loopback that answers MongoDB's messages as it is told: a server of another age, or a broken one.
package final class FakeServer: Sendable {
    /// A command as it came.
    package struct Request: Sendable {
        package let name: String
        package let body: BSONDocument
        /// The documents that travel beside it, as those of an insert do.
        package let documents: [BSONDocument]
    }

    private let listener: LocalListener

    /// - Parameter answer: The reply to a command; nil ends the connection.
    package convenience init(answer: @escaping @Sendable (_ command: String) -> BSONDocument?) throws {
        try self.init(listener: Self.listen { answer($0.name) })
    }

    private init(listener: LocalListener) {
        self.listener = listener
    }

    /// A server that is asked with the whole request.
    ///
    /// - Parameter answer: The reply to a request; nil ends the connection.
    package static func answering(_ answer: @escaping @Sendable (Request) -> BSONDocument?) throws -> FakeServer {
        FakeServer(listener: try listen(answer))
    }

    private static func listen(_ answer: @escaping @Sendable (Request) -> BSONDocument?) throws -> LocalListener {
        try LocalListener(name: "fake") { client, _ in
            while let request = WireMessage.read(from: client),
                let reply = answer(
                    Request(name: request.commandName ?? "", body: request.body ?? [:], documents: request.sequence))
            {
                guard client.send(WireMessage.reply(reply, to: request).bytes) else { break }
            }
            client.close()
        }
    }

    /// A server that is what it says in `hello`, and can do nothing else.
    package convenience init(maximumWireVersion: Int32) throws {
        try self.init { command in
            guard ["hello", "isMaster", "ismaster"].contains(command) else { return ["ok": 1.0] }
            return [
                "ismaster": true, "isWritablePrimary": true, "helloOk": true, "setName": "old",
                "maxBsonObjectSize": .int32(16_777_216),
                "maxMessageSizeBytes": .int32(48_000_000), "maxWriteBatchSize": .int32(100_000),
                "minWireVersion": .int32(0), "maxWireVersion": .int32(maximumWireVersion), "readOnly": false, "ok": 1.0,
            ]
        }
    }

    package var port: UInt16 { listener.port }

    package func close() { listener.close() }
}
