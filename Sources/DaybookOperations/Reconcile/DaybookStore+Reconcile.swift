public import Daybook
internal import DaybookBSON
internal import DaybookMongo

extension DaybookStore {
    /// Compares snapshots with the journal, and changes nothing. Writers may go on meanwhile: what it reports was seen
    /// twice, and a commit that lands during the pass is not reported.
    ///
    /// Every event is read once, in order, beside the snapshots, so it takes as long as the server needs to hand them
    /// over; memory does not grow with the journal. It needs to read the journal and the snapshots, and nothing else:
    /// the role `daybookReader` can.
    ///
    /// - Parameters:
    ///   - options: ``ReconcileOptions/aggregatesPerSecond`` and ``ReconcileOptions/isDryRun`` have no meaning here.
    ///   - progress: Told now and then how far it is, on no particular thread.
    /// - Returns: What was found. Of ids that were asked for and are not there it says so in
    ///   ``ReconcileReport/absentIDs``.
    /// - Throws: `DaybookError`: `invalidArgument` for a type that the store was not made with; `notInitialized` for a
    ///   database without a journal, as of a mistyped name; what keeps the server from being read; `CancellationError`.
    public func verify(
        _ options: ReconcileOptions = ReconcileOptions(), depth: VerifyDepth = .full,
        progress: @escaping @Sendable (ReconcileProgress) -> Void = { _ in }
    ) async throws -> ReconcileReport {
        try await reconcile(.verify(depth), options, operation: "verify", progress)
    }

    /// Puts right every snapshot that is not what the journal says, with the smallest change that does, and touches
    /// nothing else.
    ///
    /// Each write is a compare-and-set on the version and the digest that were seen, so writers may go on meanwhile,
    /// and neither loses anything to the other. A damaged journal, and a snapshot that a newer program keeps, are
    /// reported and left as they are.
    ///
    /// - Parameter kinds: The kinds of findings that are repaired; the others are reported and left.
    /// - Throws: `DaybookError`: `conflict` when another run works at the same aggregates, with who and since when;
    ///   `notInitialized` for a database without a journal; `unauthorized` with what is missing; the first error that
    ///   keeps a snapshot from being written: nothing is skipped. `CancellationError`.
    public func patch(
        _ options: ReconcileOptions = ReconcileOptions(), only kinds: Set<Finding.Kind> = Set(Finding.Kind.allCases),
        progress: @escaping @Sendable (ReconcileProgress) -> Void = { _ in }
    ) async throws -> ReconcileReport {
        try await reconcile(.patch(kinds), options, operation: "patch", progress)
    }

    /// Makes every snapshot anew from the journal.
    ///
    /// In place, each that is right to the byte already is left as it is, and every other one is replaced as a whole,
    /// by a compare-and-set as in ``patch(_:only:progress:)``. With `swap` a complete collection with all indexes is
    /// built beside the one in use, follows the journal until it has everything, and takes the other's name at once.
    ///
    /// A swap has two moments that a rebuild in place has not:
    /// - Right after the new collection has taken the name, the commits of the last moments before that are written to
    ///   it. Until then a query may see an earlier version of their aggregates, though the commit has returned;
    ///   `Repository.waitForSnapshot(of:)` waits for it.
    /// - Snapshots that a newer program keeps are looked for before the build, after it, and right before the rename,
    ///   and the swap is refused if there are any. One that the newer program writes in the moment between that look
    ///   and the rename is replaced by one of this program, until its next commit or a patch by the newer program.
    ///   Loads are right all the while.
    ///
    /// A swap is refused on a sharded cluster.
    ///
    /// A run that was killed or interrupted is resumed when the same program is asked for the same again within an
    /// hour; else all is begun anew. ``ReconcileReport/earlier`` says what the earlier run had done.
    ///
    /// - Parameters:
    ///   - swap: Whether readers go on with the old collection until the new one is complete. Not for single
    ///     aggregates.
    ///   - restart: Whether a run that did not come to its end is given up, and all is done anew.
    /// - Throws: As ``patch(_:only:progress:)``; of a swap also `unsupportedServer` on a sharded cluster, and
    ///   `conflict` where a newer program keeps snapshots, or where a unique index refuses one: the collection in use
    ///   is untouched then.
    public func rebuild(
        _ options: ReconcileOptions = ReconcileOptions(), swap: Bool = false, restart: Bool = false,
        progress: @escaping @Sendable (ReconcileProgress) -> Void = { _ in }
    ) async throws -> ReconcileReport {
        if swap, !options.ids.isEmpty {
            throw DaybookError(
                .invalidArgument, "a swap replaces the whole collection, so it is of types, not of single aggregates",
                operation: "rebuild")
        }
        return try await reconcile(.rebuild(swap: swap, restart: restart), options, operation: "rebuild", progress)
    }

    private func reconcile(
        _ work: ReconcileJob.Work, _ options: ReconcileOptions, operation: String,
        _ progress: @escaping @Sendable (ReconcileProgress) -> Void
    ) async throws -> ReconcileReport {
        var options = options
        // An aggregate that is named twice is one part, with one lease.
        var named: Set<AggregateID> = []
        options.ids.removeAll { !named.insert($0).inserted }
        return try await telemetry.perform(operation) { [options] in
            let targets = try targets(of: options)
            return try await ReconcileJob(
                store: self, work: work, options: options, targets: targets, progress: progress
            )
            .run()
        }
    }

    private func targets(of options: ReconcileOptions) throws -> [ReconcileTarget] {
        try options.check()
        guard !aggregates.isEmpty else {
            throw DaybookError(.invalidArgument, "the store was made without aggregates, so there is nothing to fold")
        }
        let wanted = options.types + options.ids.map { $0.type }
        let known = aggregates.map { aggregate in aggregate.type }
        if let unknown = wanted.first(where: { type in !known.contains(type) }) {
            let names = known.map { $0.rawValue }.sorted().joined(separator: ", ")
            throw DaybookError(
                .invalidArgument, "this program has no aggregate of the type \"\(unknown)\"; it has \(names)")
        }
        var targets: [ReconcileTarget] = []
        for aggregate in aggregates {
            guard wanted.isEmpty || wanted.contains(aggregate.type) else { continue }
            try aggregate.checkDeclaration()
            targets.append(ReconcileTarget(aggregate, in: database))
        }
        return targets
    }

    /// Compares what can be compared without the application's code: versions and order of the events, their envelopes,
    /// and whether each snapshot is at the head and fits its own digest. It finds neither a state that another program
    /// would have folded nor an event that cannot be decoded.
    ///
    /// Snapshots are looked for in `snapshots.<type>`; of a type that has no such collection only the journal is looked
    /// at.
    ///
    /// - Parameter options: Types and ids may be any that the database has; `invalidArgument` is thrown for a type that
    ///   it has not.
    /// - Throws: As ``verify(_:depth:progress:)``.
    public func verifyEnvelopes(
        _ options: ReconcileOptions = ReconcileOptions(),
        progress: @escaping @Sendable (ReconcileProgress) -> Void = { _ in }
    ) async throws -> ReconcileReport {
        try await telemetry.perform("verify") {
            try options.check()
            let wanted = Set(options.types + options.ids.map(\.type))
            let targets = try await client.withConnection(.single) { connection in
                let collections = try Set(connection.snapshotCollections(in: database))
                let types = Set(
                    try journal.typeNames(on: connection) + collections.compactMap(CollectionName.typeOfSnapshots))
                if let absent = options.types.first(where: { !types.contains($0.rawValue) }) {
                    try readiness.requireJournal(on: connection)
                    throw DaybookError(.invalidArgument, Self.absent(absent, among: types))
                }
                // Of a type that only an id names there is nothing, which the report says of that id.
                return types.union(options.ids.map { $0.type.rawValue }).sorted().compactMap {
                    name -> ReconcileTarget? in
                    guard let type = AggregateType(rawValue: name), wanted.isEmpty || wanted.contains(type) else {
                        return nil
                    }
                    let collection = CollectionName.snapshots(of: name)
                    return ReconcileTarget(
                        type,
                        snapshots: collections.contains(collection)
                            ? Namespace(database: database, collection: collection) : nil)
                }
            }
            return try await ReconcileJob(
                store: self, work: .verify(.full), options: options, targets: targets, progress: progress
            ).run()
        }
    }
}

extension DaybookStore {
    static func absent(_ type: AggregateType, among types: Set<String>) -> String {
        let names = types.sorted().joined(separator: ", ")
        return "the database has no aggregate of the type \"\(type)\"; it has \(names.isEmpty ? "none at all" : names)"
    }
}

extension MongoConnection {
    /// The collections that are named as those of snapshots are, unless an application says otherwise.
    func snapshotCollections(in database: String) throws -> [String] {
        let filter: BSONDocument = ["name": .regex(try BSONRegex(pattern: CollectionName.snapshotsPattern))]
        return try collectionNames(matching: filter, in: database)
    }
}
