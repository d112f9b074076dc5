/// The names of Daybook's collections besides ``ControlCollection``.
package enum CollectionName {
    package static let journal = "journal"

    private static let snapshotsPrefix = "snapshots."
    private static let viewsPrefix = "views."

    /// The default snapshot collection of a type. The type's projector has its lease and its checkpoint under the same
    /// name.
    package static func snapshots(of type: String) -> String { snapshotsPrefix + type }

    /// A regular expression that matches those names.
    package static let snapshotsPattern = "^snapshots\\.[a-z][a-z0-9-]*$"

    /// The type whose default snapshot collection this is; nil for any other collection.
    package static func typeOfSnapshots(in collection: String) -> String? {
        collection.hasPrefix(snapshotsPrefix) ? String(collection.dropFirst(snapshotsPrefix.count)) : nil
    }

    /// The documents of a projection.
    package static func view(of projection: String) -> String { viewsPrefix + projection }

    /// How far a subscription has handled each aggregate.
    package static func postings(of subscription: String) -> String {
        "\(ControlCollection.prefix)postings.\(subscription)"
    }

    /// The collection that is built beside `name`, and takes its place when it is complete.
    package static func build(of name: String) -> String { "\(name).build" }

    /// Whether the name is reserved, so that no aggregate may keep its snapshots under it.
    static func isReserved(_ name: String) -> Bool {
        name == journal || name.hasPrefix(ControlCollection.prefix) || name.hasPrefix(viewsPrefix)
    }
}
