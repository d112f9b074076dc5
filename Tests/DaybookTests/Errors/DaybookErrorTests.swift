@testable import Daybook
import DaybookBSON
import Foundation
import Testing

@Suite("DaybookError")
struct DaybookErrorTests {
    @Test("the description says what was done to which aggregate, as far as it is known")
    func description() {
        var error = DaybookError(.conflict, "it is at version 3", version: 3)
        #expect("\(error)" == "it is at version 3")
        error.aggregateID = "parcel/P-1"
        #expect("\(error)" == "parcel/P-1: it is at version 3")
        error.operation = "execute"
        #expect("\(error)" == "execute parcel/P-1: it is at version 3")
        error.aggregateID = nil
        #expect("\(error)" == "execute: it is at version 3")
    }

    @Test("the underlying error is not in the description")
    func underlying() {
        let error = DaybookError(.server, "it failed", underlying: Vault.TalkativeError(text: "hunter2"))
        #expect(!"\(error)".contains("hunter2"))
        #expect(!String(reflecting: error).contains("hunter2"))
        #expect(!error.localizedDescription.contains("hunter2"))
    }

    @Test("the name of a code, which metrics and traces have, stays")
    func codes() {
        let names: [(code: DaybookError.Code, name: String)] = [
            (.invalidConfiguration, "invalidConfiguration"),
            (.invalidArgument, "invalidArgument"),
            (.notInitialized, "notInitialized"),
            (.conflictingDefinition, "conflictingDefinition"),
            (.foreignIndex, "foreignIndex"),
            (.conflict, "conflict"),
            (.commandIDReused, "commandIdReused"),
            (.snapshotBehind, "snapshotBehind"),
            (.versionNotFound, "versionNotFound"),
            (.unknownEvent, "unknownEvent"),
            (.unreadableEvent, "unreadableEvent"),
            (.unreadableDocument, "unreadableDocument"),
            (.damagedJournal, "damagedJournal"),
            (.journalGone, "journalGone"),
            (.invalidImport, "invalidImport"),
            (.notEncodable, "notEncodable"),
            (.tooLarge, "tooLarge"),
            (.invalidTransaction, "invalidTransaction"),
            (.outcomeUnknown, "outcomeUnknown"),
            (.unavailable, "unavailable"),
            (.poolExhausted, "poolExhausted"),
            (.unsupportedServer, "unsupportedServer"),
            (.unauthorized, "unauthorized"),
            (.closed, "closed"),
            (.server, "server"),
        ]
        for (code, name) in names {
            #expect(code.rawValue == name)
            #expect("\(code)" == name)
            #expect(names.count { $0.code == code } == 1)
        }
    }

    @Test("a code that this version does not have reaches the default of a switch")
    func laterCode() {
        let isKnown =
            switch DaybookError(DaybookError.Code(rawValue: "later"), "").code {
            case .conflict, .closed, .server: true
            default: false
            }
        #expect(!isKnown)
    }

    // MARK: No payload in a description

    /// An event that cannot be stored.
    struct Unencodable: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var event: Vault.Event
    }

    static let unencodable = [
        Unencodable(testDescription: "too large a number", event: .numbered(number: 18_446_744_073_709_551_000)),
        Unencodable(testDescription: "an infinite date", event: .dated(date: Date(timeIntervalSince1970: .infinity))),
        // Keys are shown, values are not.
        Unencodable(testDescription: "a key with NUL", event: .mapped(values: ["\0": 18_446])),
        Unencodable(testDescription: "an encoder of its own", event: .talked(talk: .init(text: "hunter2"))),
    ]

    @Test("the error for an event that cannot be encoded does not show its content", arguments: unencodable)
    func encoding(_ example: Unencodable) throws {
        let id = try AggregateID("vault", key: "V-1")
        let error = #expect(throws: DaybookError.self) { try AggregateChange([example.event], Fold<Vault>(id)) }
        #expect(error?.code == .notEncodable)
        expectNoSecret(in: error)
    }

    @Test("the error for a state that cannot be encoded has the version, and does not show the content")
    func encodingState() throws {
        var fold = Fold<Vault>(try AggregateID("vault", key: "V-1"))
        fold.state.number = 18_446_744_073_709_551_000
        let error = #expect(throws: DaybookError.self) { try AggregateChange([.toggled(isOn: true)], fold) }
        #expect(error?.code == .notEncodable)
        #expect(error?.aggregateID == "vault/V-1")
        #expect(error?.version == 1)
        expectNoSecret(in: error)
    }

    /// A stored payload that does not fit its event.
    struct Undecodable: Sendable, CustomTestStringConvertible {
        var type: String
        var data: BSONDocument

        var testDescription: String { "\(type) \(data["number"] ?? data["values"] ?? .null)" }

        init(_ type: String, _ data: BSONDocument) {
            (self.type, self.data) = (type, data)
        }
    }

    static let undecodable = [
        Undecodable("texted", ["text": ["hunter2"]]),
        Undecodable("texted", ["text": 18_446_744_073_709]),
        Undecodable("texted", ["texts": "hunter2"]),
        Undecodable("numbered", ["number": "hunter2"]),
        Undecodable("numbered", ["number": -18_446_744_073]),
        Undecodable("numbered", ["number": 18_446_744_073.5]),
        Undecodable("narrowed", ["number": 18_446]),
        Undecodable("dated", ["date": "hunter2"]),
        Undecodable("coloured", ["colour": "hunter2"]),
        Undecodable("identified", ["id": "hunter2"]),
        Undecodable("linked", ["url": "ht tp://hunter2 %"]),
        Undecodable("priced", ["price": "hunter2"]),
        Undecodable("mapped", ["values": ["aKeyIsShown": "hunter2"]]),
        Undecodable("talked", ["talk": "hunter2"]),
        Undecodable("toggled", ["isOn": "hunter2"]),
        Undecodable("listed", ["list": [1, "hunter2"]]),
    ]

    @Test("the error for an event that cannot be decoded does not show its content", arguments: undecodable)
    func decoding(_ example: Undecodable) throws {
        var fold = Fold<Vault>(try AggregateID("vault", key: "V-1"))
        let event = JournalEvent.sample(version: 1, type: example.type)
        let error = #expect(throws: DaybookError.self) { try fold.apply(event.document(data: example.data)) }
        #expect(error?.code == .unreadableEvent)
        #expect(error?.aggregateID == "vault/V-1")
        #expect(error?.version == 1)
        expectNoSecret(in: error)
    }

    @Test("the error for a snapshot that a query cannot decode does not show its content")
    func decodingSnapshot() throws {
        for value in ["hunter2", ["hunter2"], -18_446_744_073] as [BSONValue] {
            let document: BSONDocument = [
                "_id": "vault/V-1", "version": 1, "stateSchema": .int32(1), "state": ["number": value],
            ]
            let found = try document.withBorrowed { try QueriedDocument<Snapshot<Vault>>($0, BSONDecoder()) }
            guard case .unreadable(let id, let reason) = found else {
                Issue.record("it was decoded")
                continue
            }
            #expect(id == "vault/V-1")
            for secret in ["hunter2", "18446"] { #expect(!reason.contains(secret)) }
        }
    }

    private func expectNoSecret(in error: DaybookError?) {
        guard let error else { return }
        for text in ["\(error)", String(reflecting: error), error.message, error.localizedDescription] {
            for secret in ["hunter2", "18446", "inf"] { #expect(!text.contains(secret)) }
        }
    }
}
