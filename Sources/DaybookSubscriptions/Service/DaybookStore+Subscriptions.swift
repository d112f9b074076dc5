public import Daybook

extension DaybookStore {
    /// A store with subscriptions: `DaybookStore.initialize()` prepares their collections,
    /// and `DaybookStore.run()` delivers events to them.
    ///
    /// Several processes with the same subscriptions share the work; see ``Subscription``.
    ///
    /// - Throws: `invalidConfiguration` when the URI or the database's name cannot be used, or when two subscriptions
    ///   have the same name.
    public convenience init(
        _ configuration: DaybookConfiguration, aggregates: [any Aggregate.Type], subscriptions: [Subscription]
    ) throws {
        var names: Set<SubscriptionName> = []
        for subscription in subscriptions where !names.insert(subscription.name).inserted {
            throw DaybookError(
                .invalidConfiguration,
                "two subscriptions are named \"\(subscription.name)\"; each needs a name of its own"
            )
        }
        try self.init(configuration, aggregates: aggregates, extensions: subscriptions)
    }

    /// The store's subscriptions.
    package var ownSubscriptions: [Subscription] { extensions.compactMap { $0 as? Subscription } }
}

extension Subscription: StoreExtension {
    package func collections() throws -> [DatabasePlan.KeptCollection] {
        let postings = DatabasePlan.KeptCollection(
            CollectionName.postings(of: name.rawValue))
        guard case .posted(let handler) = handler, let indexes = handler.indexes else { return [postings] }
        return [
            DatabasePlan.KeptCollection(CollectionName.view(of: name.rawValue), indexes: indexes),
            postings,
        ]
    }

    package func run(in store: DaybookStore, holder: String) async {
        await SubscriptionWorker(store: store, subscription: self, holder: holder).run()
    }

    package func faults() -> [StoreHealth.Fault] { monitor.faults() }
}
