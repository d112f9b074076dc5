@testable import DaybookMongo
import Testing

@Suite("MongoError")
struct MongoErrorTests {
    @Test(
        "the description says what was done, where, what went wrong and the server's number, as far as they are known")
    func description() {
        var error = MongoError(.duplicateKey, "the unique index already has this key")
        #expect("\(error)" == "the unique index already has this key")
        error.namespace = "tenant.journal"
        #expect("\(error)" == "the unique index already has this key")
        error.operation = "insert"
        #expect("\(error)" == "insert on tenant.journal: the unique index already has this key")
        error.serverCode = 11000
        #expect("\(error)" == "insert on tenant.journal: the unique index already has this key (server code 11000)")
        error.namespace = nil
        #expect("\(error)" == "insert: the unique index already has this key (server code 11000)")
    }

    @Test("an exhausted pool says for what, how long, of how many, and what to do")
    func poolExhausted() {
        let error = MongoError.poolExhausted(kind: "cursor", connections: 7, timeout: .seconds(3))
        #expect(error.code == .poolExhausted)
        for part in ["cursor", "7", "3.0 seconds", "maxPoolSize"] { #expect(error.message.contains(part), "\(part)") }
    }

    @Test("a namespace is written database.collection, and differs when either does")
    func namespace() {
        let journal = Namespace(database: "tenant", collection: "daybook.runs")
        #expect("\(journal)" == "tenant.daybook.runs")
        #expect(journal != Namespace(database: "tenant", collection: "journal"))
        #expect(journal != Namespace(database: "other", collection: "daybook.runs"))
        #expect(journal != Namespace(database: "tenant.daybook", collection: "runs"))
    }
}
