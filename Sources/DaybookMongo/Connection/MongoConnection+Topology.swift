extension MongoConnection {
    /// Whether the server is a router of a sharded cluster. Known after the first command.
    package var isSharded: Bool { pool.topology?.kind == .sharded }

    /// Whether commands on a collection accept `collectionUUID`, with which the server refuses them for another
    /// collection of the same name: since MongoDB 6.0, whose wire version is 17.
    package var checksCollectionUUIDs: Bool { (pool.topology?.maximumWireVersion ?? 0) >= 17 }
}
