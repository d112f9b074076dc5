internal import DaybookBSON

/// What `hello` reports of the deployment: https://www.mongodb.com/docs/manual/reference/command/hello/
struct Topology: Sendable {
    enum Kind: Sendable { case standalone, replicaSet, sharded }

    /// Wire version 13 is MongoDB 5.0.
    static let oldestWireVersion = 13
    /// Wire version 25 is MongoDB 8.0.
    private static let bulkCommandWireVersion = 25

    let kind: Kind
    let maximumWireVersion: Int
    /// See ``MongoConnection/hasBulkCommand``.
    var hasBulkCommand: Bool

    init(hello: BSONDocument) {
        maximumWireVersion = hello.count("maxWireVersion")
        hasBulkCommand = maximumWireVersion >= Self.bulkCommandWireVersion
        if case .string("isdbgrid") = hello["msg"] {
            kind = .sharded
        } else {
            kind = hello["setName"] == nil ? .standalone : .replicaSet
        }
    }
}
