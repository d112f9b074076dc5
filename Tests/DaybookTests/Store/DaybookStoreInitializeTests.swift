@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import Testing

@Suite("What initialize makes")
struct DaybookStoreInitializeTests {
    @Test("the journal has the design's two unique indexes")
    func journalIndexes() throws {
        #expect(
            try JournalIndex.allCases.map { try $0.model.document() } == [
                [
                    "name": "aggregateId_version", "key": ["aggregateId": .int32(1), "version": .int32(1)],
                    "unique": true,
                ],
                [
                    "name": "aggregateId_commandId", "key": ["aggregateId": .int32(1), "meta.commandId": .int32(1)],
                    "unique": true,
                    "partialFilterExpression": ["meta.commandId": ["$exists": true]],
                ],
            ])
    }

    @Test("a snapshot collection has an index for each field that is declared indexed")
    func snapshotIndexes() throws {
        #expect(
            try Parcel.indexes.map { try $0.document() } == [
                ["name": "state.status_1__id_1", "key": ["state.status": .int32(1), "_id": .int32(1)]],
                ["name": "state.lastScanAt_1__id_1", "key": ["state.lastScanAt": .int32(1), "_id": .int32(1)]],
            ])
        #expect(Vault.indexes.isEmpty)
    }

    @Test(
        "an index is known by its key, whatever kind of number its directions are",
        arguments: [.int32(1), .int64(1), .double(1)] as [BSONValue])
    func directions(one: BSONValue) {
        #expect(
            JournalIndex.versions.model.isSatisfied(by: ["key": ["aggregateId": one, "version": one], "unique": true]))
    }

    @Test("an index over other fields, in another order or direction, or not unique, is another index")
    func otherIndexes() {
        let keys: [BSONDocument] = [
            ["version": .int32(1), "aggregateId": .int32(1)], ["aggregateId": .int32(1), "version": .int32(-1)],
            ["aggregateId": .int32(1)], ["aggregateId": .int32(1), "version": .double(1.5)],
            ["aggregateId": .int32(1), "version": "hashed"], [:],
        ]
        let model = JournalIndex.versions.model
        for key in keys { #expect(!model.isSatisfied(by: ["key": .document(key), "unique": true])) }
        let key: BSONDocument = ["aggregateId": .int32(1), "version": .int32(1)]
        for other in [["key": .document(key)], ["key": .document(key), "unique": false], ["unique": true]]
            as [BSONDocument]
        {
            #expect(!model.isSatisfied(by: other))
        }
    }

    @Test("the validator asks for every field that an event is stored with, and for no other")
    func validator() throws {
        let schema = try #require(Journal.validator["$jsonSchema"])
        guard case .document(let rules) = schema, case .array(let required) = rules["required"],
            case .document(let properties) = rules["properties"]
        else {
            Issue.record("the validator has another shape")
            return
        }
        let keys = try JournalEvent.sample(commandID: "c-1").document(data: [:]).keys
        #expect(required == keys.map { .string($0) })
        #expect(try properties.keys == keys)
        #expect(rules["additionalProperties"] == false)
    }

    @Test("the events of an aggregate are asked for by id and range of versions")
    func eventFilter() throws {
        let id = try AggregateID("parcel", key: "P-1")
        #expect(Journal.events(of: id, from: 3) == ["aggregateId": "parcel/P-1", "version": ["$gte": 3]])
        #expect(
            Journal.events(of: id, from: 3, through: 5) == [
                "aggregateId": "parcel/P-1", "version": ["$gte": 3, "$lte": 5],
            ])
    }
}
