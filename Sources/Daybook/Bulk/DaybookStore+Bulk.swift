extension DaybookStore {
    /// Writes many commits on new aggregates at once; see ``BulkLoader``.
    public func bulkLoader() -> BulkLoader {
        BulkLoader(store: self)
    }
}
