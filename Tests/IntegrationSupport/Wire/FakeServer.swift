package import DaybookBSON

/// Something on loopback that answers MongoDB's messages as it is told: a server of another age, or a broken one.
package final class FakeServer: Sendable {
    private let listener: LocalListener

    /// - Parameter answer: The reply to a command; nil ends the connection.
    package init(answer: @escaping @Sendable (_ command: String) -> BSONDocument?) throws {
        listener = try LocalListener(name: "fake") { client, _ in
            while let request = WireMessage.read(from: client), let reply = answer(request.commandName ?? "") {
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
