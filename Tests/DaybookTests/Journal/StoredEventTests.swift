@testable import Daybook
import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("StoredEvent")
struct StoredEventTests {
    @Test("a stored event has the whole envelope and the payload as the journal has them")
    func fields() throws {
        var event = JournalEvent.sample(version: 7, type: "sent", schema: 1, commandID: "c-1")
        event.commit = .init(id: UUID(number: 5), index: 2, count: 9)
        let data: BSONDocument = ["city": "Ulm", "at": .datetime(BSONDate(milliseconds: 5))]
        let document = try event.document(data: data)
        let stored = try StoredEvent(document)
        #expect(stored.document == document)
        #expect(stored.id == event.id)
        #expect(stored.aggregateID.type == "parcel")
        #expect(stored.aggregateID.key == "P-1")
        #expect(stored.version == 7)
        #expect(stored.type == "sent")
        #expect(stored.schema == 1)
        #expect(stored.recordedAt == event.recordedAt.date)
        #expect(stored.commitID == UUID(number: 5))
        #expect(stored.commitIndex == 2)
        #expect(stored.commitCount == 9)
        #expect(stored.metadata.commandID == "c-1")
        #expect(stored.data == data)
        #expect(stored.data.bytes == data.bytes)
    }

    @Test("a stored event is decoded as an event of its aggregate")
    func decoded() throws {
        let event = JournalEvent.sample(version: 3, type: "sent", commandID: "c-1")
        let recorded = try StoredEvent(event.document(data: ["city": "Ulm"])).decoded(as: Parcel.self)
        guard case .event(.sent(let address)) = recorded.body else {
            Issue.record("another event: \(recorded.body)")
            return
        }
        #expect(address == Parcel.Address(city: "Ulm"))
        #expect(recorded.id == event.id)
        #expect(recorded.aggregateID.rawValue == "parcel/P-1")
        #expect(recorded.version == 3)
        #expect(recorded.type == "sent")
        #expect(recorded.schema == 1)
        #expect(recorded.recordedAt == event.recordedAt.date)
        #expect(recorded.commitID == event.commit.id)
        #expect(recorded.metadata.commandID == "c-1")
    }

    @Test("a correction among the stored events is decoded as one")
    func correction() throws {
        let correction = Correction(patch: ["note": "x"], stateSchema: 1, reason: "typo", actor: "me")
        let event = JournalEvent.sample(type: Correction.eventType)
        let recorded = try StoredEvent(event.document(data: correction.data())).decoded(as: Parcel.self)
        guard case .correction(let found) = recorded.body else {
            Issue.record("another event: \(recorded.body)")
            return
        }
        #expect(found == correction)
    }

    @Test("a stored event is not decoded as an event of another aggregate, nor where the code has no such event")
    func refused() throws {
        let event = JournalEvent.sample(version: 3, type: "sold")
        let stored = try StoredEvent(event.document(data: [:]))
        let unknown = #expect(throws: DaybookError.self) { try stored.decoded(as: Parcel.self) }
        #expect(unknown?.code == .unknownEvent)
        #expect(unknown?.aggregateID == "parcel/P-1")
        #expect(unknown?.version == 3)
        let foreign = try StoredEvent(event.document(data: [:]).changing("aggregateId", to: "crate/P-1"))
        let other = #expect(throws: DaybookError.self) { try foreign.decoded(as: Parcel.self) }
        #expect(other?.code == .invalidArgument)
        #expect(other?.aggregateID == "crate/P-1")
    }

    @Test("a document that is no event is unreadable, and so is one whose aggregate id breaks a rule")
    func unreadable() throws {
        let document = try JournalEvent.sample(version: 3).document(data: [:])
        for key in ["_id", "aggregateId", "version", "type", "schema", "data", "recordedAt", "commit"] {
            for value in [nil, BSONValue.null] {
                let changed = try document.changing(key, to: value)
                let error = #expect(throws: DaybookError.self, "\(key)") { try StoredEvent(changed) }
                #expect(error?.code == .unreadableEvent)
            }
        }
        for id in ["parcel", "parcel/", "Parcel/1", "parcel/e\u{301}"] {
            let changed = try document.changing("aggregateId", to: .string(id))
            let error = #expect(throws: DaybookError.self, "\(id)") { try StoredEvent(changed) }
            #expect(error?.code == .unreadableEvent)
            #expect(error?.version == 3)
        }
    }
}
