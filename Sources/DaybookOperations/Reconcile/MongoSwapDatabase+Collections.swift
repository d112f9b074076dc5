internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

// The collections of a swap: the one in use and its builds, each known by its UUID.

extension MongoSwapDatabase {
    func collections() async throws -> [String: UUID] {
        let names = [live] + buildNames
        return try await Patience.around {
            try await store.client.withConnection(.single) { try uuids(of: names, on: $0) }
        }
    }

    private func uuids(of names: [String], on connection: isolated MongoConnection) throws -> [String: UUID] {
        var found: [String: UUID] = [:]
        for description in try connection.collections(named: names, in: liveNamespace.database) {
            guard let uuid = description["info"]?.document?["uuid"]?.uuid else { continue }
            found[description["name"]?.text ?? ""] = uuid
        }
        return found
    }

    func lastBuildName() async throws -> String? {
        let run = try await Patience.around { try await StoredRunLog(store: store).lastSwap(of: A.type) }
        return run?.builds[A.type.rawValue]?.collection
    }

    func drop(_ build: SnapshotBuild) async throws {
        try await Patience.around {
            try await store.client.withConnection(.single) { try drop(build, on: $0) }
        }
    }

    private func drop(_ build: SnapshotBuild, on connection: isolated MongoConnection) throws {
        let command: BSONDocument = ["drop": .string(build.collection)]
        do throws(MongoError) {
            _ = try connection.write(command, of: build.uuid, database: liveNamespace.database)
        } catch {
            guard error.isOfAnotherCollection else { throw error }
        }
    }

    func create(_ name: String) async throws -> SnapshotBuild {
        try await waitForIndexes()
        return try await Patience.around {
            // Waiting may have taken longer than the lease lasts.
            try await lease.renew()
            return try await store.client.withConnection(.single) { connection in
                let build = try create(name, on: connection)
                _ = try addIndexes(to: build, on: connection)
                return build
            }
        }
    }

    private func create(_ name: String, on connection: isolated MongoConnection) throws -> SnapshotBuild {
        var create: BSONDocument = ["create": .string(name)]
        let description = try connection.collections(named: [live], in: liveNamespace.database).first
        for (key, value) in description?["options"]?.document?.fields ?? [] where key != "uuid" && key != "autoIndexId"
        {
            try create.append(key, value)
        }
        do throws(MongoError) {
            _ = try connection.write(create, database: liveNamespace.database)
        } catch {
            // A request that a dead process had sent has made one meanwhile, or one of ours that was not answered.
            guard error.serverError == .namespaceExists else { throw error }
            if let uuid = try uuids(of: [name], on: connection)[name] {
                try drop(SnapshotBuild(collection: name, uuid: uuid), on: connection)
            }
            _ = try connection.write(create, database: liveNamespace.database)
        }
        guard let uuid = try uuids(of: [name], on: connection)[name] else {
            throw DaybookError(
                .server, "the collection \(namespace(name)) was dropped as soon as it was made; start this again")
        }
        return SnapshotBuild(collection: name, uuid: uuid)
    }

    /// The indexes that the live collection has or an operator gave it, and those that the fields declare.
    func addIndexes(to build: SnapshotBuild) async throws -> Bool {
        try await waitForIndexes()
        return try await Patience.around {
            try await store.client.withConnection(.single) { try addIndexes(to: build, on: $0) }
        }
    }

    private func addIndexes(to build: SnapshotBuild, on connection: isolated MongoConnection) throws -> Bool {
        let there = try connection.indexes(of: namespace(build.collection))
        let names = Set(there.compactMap { $0["name"] })
        var indexes: [BSONDocument] = []
        for index in try connection.indexes(of: liveNamespace) where !names.contains(index["name"] ?? .null) {
            // The one of _id is made with the collection; so is that of a clustered collection, which createIndexes
            // refuses:
            // https://www.mongodb.com/docs/manual/core/clustered-collections/
            guard index["name"] != "_id_", index["clustered"] != .bool(true) else { continue }
            var copy = BSONDocument()
            for (key, value) in index.fields where key != "ns" { try copy.append(key, value) }
            indexes.append(copy)
        }
        for index in A.indexes where !(there + indexes).contains(where: { index.isSatisfied(by: $0) }) {
            indexes.append(try index.document())
        }
        guard !indexes.isEmpty else { return false }
        try connection.createIndexes(described: indexes, in: namespace(build.collection))
        return true
    }

    /// Waits until no index of the live collection is in construction: its build would end with the collection.
    private func waitForIndexes() async throws {
        var isFirst = true
        while true {
            let unfinished = try await Patience.around {
                try await store.client.withConnection(.single) { try $0.allIndexes(of: liveNamespace).unfinished }
            }
            guard !unfinished.isEmpty else { return }
            if isFirst {
                let names = unfinished.map { $0["name"]?.text ?? "" }.joined(separator: ", ")
                store.telemetry.logger.notice(
                    "\(liveNamespace) has indexes in construction, which are waited for: \(names)")
            }
            isFirst = false
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// The rename waits on the server for the open transactions on both collections, which may be longer than an answer
    /// usually takes.
    ///
    /// It is acknowledged by a majority, whatever the URI asks for: only then does the next look at the change stream
    /// see every commit before it.
    ///
    /// https://www.mongodb.com/docs/manual/reference/command/renameCollection/
    func rename(_ build: SnapshotBuild, to name: String) async throws -> RenameOutcome {
        let command: BSONDocument = [
            "renameCollection": .string(namespace(build.collection).description),
            "to": .string(namespace(name).description),
            "dropTarget": true,
        ]
        do {
            try await store.client.withConnection(.single) { connection in
                _ = try connection.write(
                    command, of: build.uuid, database: "admin", writeConcern: WriteConcern(.majority))
            }
            return .done
        } catch let error as MongoError
            where error.isOfTheMoment || error.canBeTriedAgain || error.isOfAnotherCollection
            || error.code == .writeConcernFailed
        {
            return .unknown(error)
        }
    }

    func pause(_ attempt: Int) async throws {
        try await Task.sleep(for: .milliseconds(min(2_000, 50 << attempt)))
    }
}

extension MongoError {
    /// Whether the collection of that name is gone, or another one.
    fileprivate var isOfAnotherCollection: Bool {
        serverError == .namespaceNotFound || serverError == .collectionUUIDMismatch
    }
}

extension MongoConnection {
    /// Runs a command on a collection only if it still is the one of this UUID, where the server can check that: since
    /// MongoDB 6.0 it refuses another with CollectionUUIDMismatch (checkCollectionUUIDMismatch in its source).
    ///
    /// An older server must have done the command, or given it up, before the lease of 15 s can be another process's:
    /// else it could meet the build of a later process under the same name. A rename waits for open transactions, which
    /// may last a minute.
    fileprivate func write(
        _ command: BSONDocument, of uuid: UUID, database: String, writeConcern: WriteConcern? = nil
    ) throws(MongoError) -> BSONDocument {
        // Appending fails only for a key with NUL, or at 2 GiB.
        var bounded = command
        try? bounded.append("maxTimeMS", .int32(10_000))
        guard checksCollectionUUIDs else {
            return try write(bounded, database: database, writeConcern: writeConcern, takesLong: true)
        }
        var exact = command
        try? exact.append("collectionUUID", .binary(BSONBinary(uuid)))
        do {
            return try write(exact, database: database, writeConcern: writeConcern, takesLong: true)
        } catch {
            // A 6.0 that still has the feature compatibility version 5.0 refuses the field, before it does anything.
            guard [.invalidOptions, .commandNotSupported, .unknownField].contains(error.serverError) else {
                throw error
            }
            return try write(bounded, database: database, writeConcern: writeConcern, takesLong: true)
        }
    }
}
