package import DaybookBSON

extension Snapshot {
    /// The state in its stored form.
    ///
    /// - Throws: ``DaybookError/Code/notEncodable``
    package func encodedState() throws -> BSONDocument {
        var fold = Fold<A>(id)
        (fold.state, fold.version) = (state, version)
        return try fold.encodedState()
    }
}
