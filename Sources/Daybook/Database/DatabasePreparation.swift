internal import DaybookBSON
package import DaybookMongo

/// Creates what a database lacks of a plan.
package struct DatabasePreparation: Sendable {
    let plan: DatabasePlan

    init(_ plan: DatabasePlan) {
        self.plan = plan
    }

    /// - Throws: See ``DatabasePlan``.
    package init(
        database: String, aggregates: [any Aggregate.Type], keeping kept: [DatabasePlan.KeptCollection] = []
    ) throws {
        plan = try DatabasePlan(database: database, aggregates: aggregates, keeping: kept)
    }

    /// Creates what is missing, and returns once every index is built, also one that another client builds.
    ///
    /// It inspects first and writes only what is missing, so that a user without write privileges can check that all is
    /// there.
    ///
    /// - Parameter waiting: Called once with what the server is still building, if anything.
    /// - Throws: ``DaybookError`` `conflictingDefinition`, and then nothing was written; `unauthorized`;
    ///   ``MongoError``; `CancellationError`.
    package func run(on connection: isolated MongoConnection, waiting: (String) -> Void = { _ in }) async throws {
        try connection.requireTransactions()
        var attempt = 0
        var pause = Duration.milliseconds(50)
        while true {
            let inspection = try inspect(on: connection)
            guard inspection.conflicts.isEmpty else { throw DaybookError(inspection.conflicts, in: plan.database) }
            guard !inspection.missing.isEmpty else {
                guard !inspection.unfinished.isEmpty else { return }
                // When a build fails, the server drops the index. The next inspection finds it missing, and creating it
                // here throws the error that says why.
                if pause == .milliseconds(50) { waiting(inspection.building) }
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(2))
                continue
            }
            guard attempt < Self.attempts else {
                throw DaybookError(
                    .server,
                    "the database \"\(plan.database)\" still lacks \(inspection.lacking) after it was made: is it "
                        + "being dropped?"
                )
            }
            attempt += 1
            do {
                for missing in inspection.missing { try make(missing, on: connection) }
            } catch let error as MongoError {
                if error.code == .unauthorized { throw refusal(error, inspection) }
                // Another process may have created a collection or an index of the same name first. The next inspection
                // compares it with ours.
                let mayPass = error.code == .server || error.code == .writeConflict || error.code == .network
                guard mayPass, attempt < Self.attempts else { throw error }
            }
        }
    }

    /// The second attempt sees what another process created. The third is for a server that changes in between.
    private static let attempts = 3

    private func inspect(on connection: isolated MongoConnection) throws -> DatabaseInspection {
        do {
            return try DatabaseInspection(of: plan, on: connection)
        } catch let error as MongoError {
            guard error.code == .unauthorized else { throw error }
            throw DaybookError(
                .unauthorized,
                "this user may not see what the database \"\(plan.database)\" has: that takes listCollections on it, "
                    + "and listIndexes on "
                    + "its journal and snapshots. Each role of DaybookStore.roles(for:) has them.", underlying: error)
        }
    }

    private func make(_ missing: DatabaseInspection.Missing, on connection: isolated MongoConnection) throws {
        let namespace = Namespace(database: plan.database, collection: missing.collection.name)
        if missing.isWhole {
            var command: BSONDocument = ["create": .string(namespace.collection)]
            for (key, value) in missing.collection.validation?.fields ?? [] { try command.append(key, value) }
            do {
                _ = try connection.write(command, database: namespace.database)
            } catch {
                guard error.serverError == .namespaceExists else { throw error }
                // The existing collection may be of any kind, so inspect it before creating indexes.
                return
            }
        }
        do {
            try connection.createIndexes(missing.indexes, in: namespace)
        } catch let error as MongoError {
            guard error.code == .duplicateKey else { throw error }
            throw DaybookError(
                .damagedJournal,
                "\(namespace) has documents with the same \(error.keyPattern.joined(separator: " and ")), which a "
                    + "unique index of Daybook's would have refused. It was without that index for a time. Find them "
                    + "before anything is written to it.",
                underlying: error)
        }
    }

    private func refusal(_ error: MongoError, _ inspection: DatabaseInspection) -> DaybookError {
        let needsOwner = inspection.missing.contains { $0.collection.isJournal }
        return DaybookError(
            .unauthorized,
            "the database \"\(plan.database)\" lacks \(inspection.lacking), and this user may not make that. "
                + "Initialize it once as a user with the built-in role dbOwner on it"
                + (needsOwner
                    ? "." : ", or with \(RoleDefinition.Name.operator.rawValue), which may make snapshot collections."),
            underlying: error)
    }
}
