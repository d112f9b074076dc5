package import DaybookMongo

extension Queryable {
    static var fieldNames: [String] { fields.map(\.name) }

    /// The indexes for the fields that are declared as indexed.
    package static var indexes: [IndexModel] {
        fields.filter(\.isIndexed).map {
            IndexModel(name: "\($0.path)_1__id_1", keys: [($0.path, 1), (SnapshotKey.id, 1)])
        }
    }
}
