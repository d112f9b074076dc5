@testable import Daybook
import DaybookBSON
import Foundation
import SampleAggregates
import Testing

private struct OtherAccount: Passive { static let type: AggregateType = "account" }
private struct Squatter: Passive {
    static let type: AggregateType = "squatter"
    static let snapshotCollection = "snapshots.account"
}
private struct RebuildSquatter: Passive {
    static let type: AggregateType = "rebuild-squatter"
    static let snapshotCollection = "snapshots.account.rebuild"
}
private struct FieldTwice: Passive {
    static let type: AggregateType = "field-twice"
    static let fields: [Field<FieldTwice>] = [Field("x", \.x), Field("y", \.y), Field("x", \.y, indexed: true)]
    var x = 0, y = 0
}
private struct Crowded: Passive {
    static let type: AggregateType = "crowded"
    static let fields: [Field<Crowded>] = (1...64).map { Field("x\($0)", \.x, indexed: true) }
    var x = 0
}

/// Names that a test sets, one at a time.
private struct Named: Passive {
    @TaskLocal static var collection = "snapshots.named"
    @TaskLocal static var field = "x"
    static let type: AggregateType = "named"
    static var snapshotCollection: String { collection }
    static var fields: [Field<Named>] { [Field(field, \.x)] }
    var x = 0
}

@Suite("What a database must have")
struct DatabasePlanTests {
    private func plan(_ aggregates: any Aggregate.Type...) throws(DaybookError) -> DatabasePlan {
        try DatabasePlan(database: "shop", aggregates: aggregates)
    }

    @Test(
        "a plan has the journal, snapshots of the aggregates that store any, and marks; an aggregate given twice counts once"
    )
    func collections() throws {
        let plan = try plan(Account.self, Meter.self, Tally.self, Account.self)
        #expect(
            plan.collections.map(\.name) == ["journal", "snapshots.account", "snapshots.tally", "daybook.marks"])
        #expect(plan.collections.map(\.isJournal) == [true, false, false, false])
        #expect(try self.plan().collections.map(\.name) == ["journal", "daybook.marks"])
    }

    @Test("two kinds of aggregate with one type are refused, and both are named")
    func sameType() {
        let error = #expect(throws: DaybookError.self) { try plan(Account.self, OtherAccount.self) }
        #expect(error?.code == .invalidArgument)
        for name in ["Account", "OtherAccount", "\"account\""] { #expect(error?.message.contains(name) == true) }
    }

    @Test("two aggregates with one snapshot collection are refused, also when it is the one of a rebuild")
    func sameCollection() {
        for aggregates in [
            [Account.self, Squatter.self], [Squatter.self, Account.self], [Account.self, RebuildSquatter.self],
        ]
            as [[any Aggregate.Type]]
        {
            let error = #expect(throws: DaybookError.self) {
                try DatabasePlan(database: "shop", aggregates: aggregates)
            }
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.message.contains("snapshots.account") == true)
        }
    }

    @Test(
        "a snapshot collection cannot have a name that is reserved or illegal",
        arguments: [
            "", "journal", "daybook.", "daybook.leases", "system.views", "a.system.b", "a$b", "a\0b", ".a", "a.",
            "a..b",
            String(repeating: "x", count: 223),
        ])
    func collectionName(name: String) {
        let error = #expect(throws: DaybookError.self) {
            try Named.$collection.withValue(name) { try plan(Named.self) }
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("Named") == true)
    }

    @Test(
        "any other collection name is accepted",
        arguments: ["journals", "daybooks", "Journal", "a.b.c", "été", String(repeating: "x", count: 220)])
    func otherCollectionName(name: String) throws {
        let found = try Named.$collection.withValue(name) { try plan(Named.self).snapshots.map(\.name) }
        #expect(found == [name])
    }

    @Test(
        "a field cannot be declared twice, nor under a name that no document can have",
        arguments: ["", "a.", ".a", "a..b", "$a", "a.$b", "a\0"])
    func fieldNames(name: String) {
        let twice = #expect(throws: DaybookError.self) { try plan(FieldTwice.self) }
        #expect(twice?.code == .invalidConfiguration)
        #expect(twice?.message.contains("\"x\"") == true)
        let error = #expect(throws: DaybookError.self) { try Named.$field.withValue(name) { try plan(Named.self) } }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test("more indexes than MongoDB allows are refused")
    func tooManyIndexes() {
        let error = #expect(throws: DaybookError.self) { try plan(Crowded.self) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("64") == true)
    }

    @Test("program errors are found before anything is sent, by every user of a plan")
    func nothingSent() async throws {
        // Nobody listens there.
        let store = try DaybookStore(
            DaybookConfiguration(uri: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=60000", database: "shop"))
        let begin = ContinuousClock.now
        let initialize = await #expect(throws: DaybookError.self) {
            try await store.initialize(Account.self, OtherAccount.self)
        }
        #expect(initialize?.code == .invalidArgument)
        #expect(initialize?.operation == "initialize")
        let create = await #expect(throws: DaybookError.self) { try await store.createRoles(for: [FieldTwice.self]) }
        #expect(create?.code == .invalidConfiguration)
        let roles = #expect(throws: DaybookError.self) { try store.roles(for: [Account.self, Squatter.self]) }
        #expect(roles?.code == .invalidConfiguration)
        #expect(roles?.operation == "roles")
        #expect(ContinuousClock.now - begin < .seconds(20))
        await store.close()
    }

    @Test("names are quoted for the shell")
    func quoting() {
        #expect(Shell.quoted(#"a"b\c"#) == #""a\"b\\c""#)
        #expect(Shell.quoted("a\nb\u{2028}") == #""a\u000ab\u2028""#)
        #expect(Shell.collection("journal", in: "shop") == #"db.getSiblingDB("shop").getCollection("journal")"#)
    }
}
