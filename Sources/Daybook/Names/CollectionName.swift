/// The names of Daybook's collections besides ``ControlCollection``.
package enum CollectionName {
    package static let journal = "journal"

    private static let snapshotsPrefix = "snapshots."

    /// Where the snapshots of a type are, unless its aggregate names another collection. The type's projector has its
    /// lease and its checkpoint under the same name.
    package static func snapshots(of type: String) -> String { snapshotsPrefix + type }

    /// What those names look like, as a regular expression.
    package static let snapshotsPattern = "^snapshots\\.[a-z][a-z0-9-]*$"

    /// The type whose snapshots a collection has by its name; nil where the name says nothing of the kind.
    package static func typeOfSnapshots(in collection: String) -> String? {
        collection.hasPrefix(snapshotsPrefix) ? String(collection.dropFirst(snapshotsPrefix.count)) : nil
    }

    /// Whether no aggregate may keep its snapshots under this name.
    static func isReserved(_ name: String) -> Bool { name == journal || name.hasPrefix(ControlCollection.prefix) }
}
