import DaybookBSON
@testable import DaybookMongo
import Testing

@Suite("Topology")
struct TopologyTests {
    @Test("a member of a replica set is recognized by its set's name")
    func replicaSet() {
        let topology = Topology(hello: ["setName": "rs0", "isWritablePrimary": true, "maxWireVersion": .int32(17)])
        #expect(topology.kind == .replicaSet)
        #expect(topology.maximumWireVersion == 17)
    }

    @Test("a router of a sharded cluster is recognized by its message")
    func sharded() {
        #expect(Topology(hello: ["msg": "isdbgrid", "maxWireVersion": .int32(13)]).kind == .sharded)
    }

    @Test(
        "a server that says neither is a standalone",
        arguments: [[:], ["msg": "hello"], ["msg": .int32(1)]] as [BSONDocument])
    func standalone(hello: BSONDocument) {
        #expect(Topology(hello: hello).kind == .standalone)
    }

    @Test(
        "the wire version is read from every kind of number, and is 0 when there is none",
        arguments: [(.int32(13), 13), (.int64(21), 21), (.string("21"), 0), (.null, 0), (nil, 0)] as [(BSONValue?, Int)]
    )
    func wireVersion(value: BSONValue?, expected: Int) {
        let hello: BSONDocument = value.map { ["maxWireVersion": $0] } ?? [:]
        #expect(Topology(hello: hello).maximumWireVersion == expected)
    }
}
