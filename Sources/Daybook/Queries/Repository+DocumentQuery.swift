internal import DaybookBSON
internal import Logging
internal import Metrics

extension Repository {
    /// A query of whole snapshots.
    func snapshotQuery(_ selection: Selection<A>, waitFor commit: Commit?) -> DocumentQuery<Snapshot<A>> {
        let decoder = coding.decoder
        return documents(
            prepare: { try await prepare(selection, waitFor: commit) }, decode: { try QueriedDocument($0, decoder) },
            refold: { $0 })
    }

    /// A query of parts of snapshots.
    func excerptQuery<Value: Decodable & Sendable>(
        _ selection: Selection<A>, of fields: [any PartialKeyPath<A> & Sendable], waitFor commit: Commit?
    ) -> DocumentQuery<SnapshotExcerpt<Value>> {
        let excerpt = Result { try StateExcerpt(of: fields.map { try A.field($0).name }) }
        let decoder = BSONDecoder()
        return documents(
            prepare: {
                let projection = try excerpt.get().projection
                var prepared = try await prepare(selection, waitFor: commit)
                prepared.projection = projection
                return prepared
            },
            decode: { document in
                try QueriedDocument(document, of: A.self) { id, version, _, state in
                    SnapshotExcerpt(id: id, version: version, value: try decoder.decode(Value.self, from: state))
                }
            },
            refold: { try excerpt.get().decode(from: $0) })
    }

    /// - Parameter refold: Makes the element of a snapshot that was folded from the journal, because the stored one
    ///   cannot be read.
    private func documents<Element>(
        prepare: @escaping @Sendable () async throws -> PreparedQuery,
        decode: @escaping @Sendable (BorrowedDocument) throws -> QueriedDocument<Element>,
        refold: @escaping @Sendable (Snapshot<A>) throws -> Element
    ) -> DocumentQuery<Element> {
        DocumentQuery(
            kind: .snapshots(of: A.type), client: store.client, namespace: snapshots, prepare: prepare, decode: decode,
            resolve: { id, reason in try await folded(id, insteadBecause: reason).map(refold) })
    }

    /// Validates a selection and waits for its commit.
    ///
    /// - Parameter commit: A commit that the primary's snapshot must include before the query is sent.
    /// - Throws: ``DaybookError/Code/invalidArgument``
    private func prepare(_ selection: Selection<A>, waitFor commit: Commit?) async throws -> PreparedQuery {
        try A.requireSnapshots()
        let prepared = try selection.prepare()
        if let commit {
            guard commit.aggregateID.type == A.type else {
                throw DaybookError(
                    .invalidArgument, "a query of \(A.type) cannot wait for a commit to \(commit.aggregateID.type)",
                    aggregateID: commit.aggregateID.rawValue)
            }
            try await waitForSnapshot(of: commit)
        }
        return prepared
    }

    /// The aggregate of a snapshot that cannot be read, folded from the journal on the primary. Nil when the journal
    /// has no such aggregate.
    private func folded(_ id: String?, insteadBecause reason: String) async throws -> Snapshot<A>? {
        loader.metrics.snapshotsIgnored.increment()
        store.telemetry.logger.warning(
            "snapshot ignored by a query, journal folded instead: \(reason)",
            [.aggregateID: id ?? "none", .collection: snapshots])
        guard let id = try id.map({ try AggregateID(parsing: $0) }), id.type == A.type else { return nil }
        let folded = try await load(id.key)
        return folded.exists ? folded : nil
    }
}
