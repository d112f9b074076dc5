package import DaybookBSON
package import DaybookMongo
internal import Foundation

/// A database of its own on the local server, seen through a client that can be put behind a proxy, and once more past
/// it.
package struct DriverFixture: Sendable {
    /// The name by which the server knows the clients of this test, for fail points.
    package let appName: String
    package let database: String
    /// A client that nothing happens to, to look at what is really there.
    package let witness: MongoClient

    package func namespace(_ collection: String = "things") -> Namespace {
        Namespace(database: database, collection: collection)
    }

    /// The server's URI with this test's app name, and with `options` added.
    ///
    /// The server is asked for its state twice a second: after an error that says it is no longer primary, the driver
    /// waits for that.
    package func uri(_ options: String...) throws -> String {
        var parts = try ServerAddress(TestServer.uri)
        parts.options += ["appName=\(appName)", "heartbeatFrequencyMS=500"] + options
        return parts.uri
    }

    /// The same, but through a proxy.
    ///
    /// - Parameter isDirect: Whether the driver takes the one server for all there is, and does not follow what it says
    ///   of other hosts.
    package func uri(through proxy: FaultProxy, isDirect: Bool = true, _ options: String...) throws -> String {
        var parts = try ServerAddress(TestServer.uri)
        parts.host = "127.0.0.1:\(proxy.port)"
        parts.options.removeAll { $0.lowercased().hasPrefix("replicaset=") }
        parts.options += ["directConnection=\(isDirect)", "appName=\(appName)", "heartbeatFrequencyMS=500"] + options
        return parts.uri
    }

    /// Every document of a collection, in order of `_id`.
    package func documents(in collection: String = "things") async throws -> [BSONDocument] {
        let namespace = namespace(collection)
        return try await witness.withConnection(.single) { connection in
            var found: [BSONDocument] = []
            try connection.find([:], in: namespace, options: FindOptions(sort: [("_id", 1)])) {
                found.append(BSONDocument($0))
                return true
            }
            return found
        }
    }

    package func ids(in collection: String = "things") async throws -> [BSONValue] {
        try await documents(in: collection).compactMap { $0["_id"] }
    }

    package func count(in collection: String = "things") async throws -> Int {
        let namespace = namespace(collection)
        return try await witness.withConnection(.single) { try $0.count([:], in: namespace) }
    }

    package func insert(_ documents: [BSONDocument], into collection: String = "things") async throws {
        let namespace = namespace(collection)
        try await witness.withConnection(.single) { try $0.insert(documents, into: namespace) }
    }

    package func run(_ command: BSONDocument, database: String? = nil) async throws -> BSONDocument {
        let database = database ?? self.database
        return try await witness.withConnection(.single) { try $0.write(command, database: database) }
    }

    package func read(_ command: BSONDocument, database: String? = nil) async throws -> BSONDocument {
        let database = database ?? self.database
        return try await witness.withConnection(.single) { try $0.read(command, database: database) }
    }
}

/// Runs `body` with a database of its own, and drops it afterwards.
package func withDriverFixture<R: Sendable>(_ body: (DriverFixture) async throws -> R) async throws -> R {
    let name = "test-\(UUID().uuidString.lowercased())"
    let fixture = DriverFixture(appName: name, database: name, witness: try MongoClient(uri: try TestServer.uri))
    do {
        let result = try await body(fixture)
        _ = try await fixture.run(["dropDatabase": 1])
        await fixture.witness.close()
        return result
    } catch {
        _ = try? await fixture.run(["dropDatabase": 1])
        await fixture.witness.close()
        throw error
    }
}

extension DriverFixture {
    /// Runs `body` with a proxy to the local server.
    ///
    /// A lost commit leaves its transaction open on the server, which would then wait for it when the database is
    /// dropped; so the sessions that went through are ended.
    package func withProxy<R>(
        maximumWireVersion: Int32? = nil, as disguises: [any Disguise] = [], _ body: (FaultProxy) async throws -> R
    ) async throws -> R {
        let proxy = try FaultProxy(
            to: try ServerAddress(TestServer.uri).port, maximumWireVersion: maximumWireVersion, as: disguises)
        do {
            let result = try await body(proxy)
            try await end(proxy)
            return result
        } catch {
            try? await end(proxy)
            throw error
        }
    }

    private func end(_ proxy: FaultProxy) async throws {
        proxy.close()
        try await endSessions(of: proxy)
    }

    /// Makes the server give up every transaction that was begun through `proxy` and not ended.
    package func endSessions(of proxy: FaultProxy) async throws {
        guard !proxy.sessions.isEmpty else { return }
        // As a read is sent: it takes no writeConcern.
        _ = try await read(["killSessions": .array(proxy.sessions.map { .document($0) })], database: "admin")
    }
}
