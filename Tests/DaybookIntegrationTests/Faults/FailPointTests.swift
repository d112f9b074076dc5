import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// The server refuses a command of a commit. What is done again is what MongoDB's transactions specification says, and
/// the journal agrees with what the library reports.
///
/// https://github.com/mongodb/specifications/blob/master/source/transactions/transactions.md
@Suite("A refused command", .serialized, .timeLimit(.minutes(3)))
struct FailPointTests {
    /// What the server says instead of doing a command, and how a commit on account `a` ends then.
    struct Refusal: Sendable, CustomTestStringConvertible {
        enum End: Sendable, Equatable {
            /// It is in the journal.
            case success
            /// It is not.
            case failure(DaybookError.Code)
        }

        let command: String
        let data: BSONDocument
        var times: Int32 = 1
        let end: End
        /// How often the transaction was begun, and the commit sent: by the driver's own retry and by ours.
        let transactions: Int
        let commits: Int

        var testDescription: String {
            let code =
                data["errorCode"] ?? data["writeConcernError"].map { _ in "writeConcernError" } ?? "closeConnection"
            let labels = data["errorLabels"].map { "\($0)" } ?? ""
            return "\(command) \(code) \(labels) x\(times)"
        }

        init(
            _ command: String, _ data: BSONDocument, times: Int32 = 1, _ end: End, transactions: Int, commits: Int
        ) {
            (self.command, self.data, self.times) = (command, data, times)
            (self.end, self.transactions, self.commits) = (end, transactions, commits)
        }
    }

    private static let transient: BSONValue = ["TransientTransactionError"]
    private static let retryable: BSONValue = ["RetryableWriteError"]
    private static func code(_ number: Int32, _ labels: BSONValue = []) -> BSONDocument {
        ["errorCode": .int32(number), "errorLabels": labels]
    }
    private static let closed: BSONDocument = ["closeConnection": true]
    private static let concern: BSONDocument = [
        "writeConcernError": [
            "code": .int32(64), "errmsg": "waiting for replication timed out", "errInfo": ["wtimeout": true],
        ]
    ]

    static let inTransaction = [
        // With the label the whole transaction is run again, as often as it takes.
        Refusal("insert", code(112, transient), .success, transactions: 2, commits: 1),
        Refusal("insert", code(112, transient), times: 4, .success, transactions: 5, commits: 1),
        Refusal("insert", code(91, transient), .success, transactions: 2, commits: 1),
        Refusal("insert", code(189, transient), .success, transactions: 2, commits: 1),
        Refusal("insert", code(10107, transient), .success, transactions: 2, commits: 1),
        Refusal("insert", code(251, transient), .success, transactions: 2, commits: 1),
        Refusal("update", code(112, transient), .success, transactions: 2, commits: 1),
        Refusal("insert", closed, .success, transactions: 2, commits: 1),
        Refusal("bulkWrite", code(112, transient), times: 4, .success, transactions: 5, commits: 1),
        Refusal("bulkWrite", code(10107, transient), .success, transactions: 2, commits: 1),
        Refusal("bulkWrite", closed, times: 2, .success, transactions: 3, commits: 1),
        Refusal("update", closed, times: 2, .success, transactions: 3, commits: 1),
        // A write conflict is a lost race, label or not.
        Refusal("insert", code(112), .success, transactions: 2, commits: 1),
        Refusal("bulkWrite", code(112), .success, transactions: 2, commits: 1),
        // It has no such command after all.
        Refusal("bulkWrite", code(59), .success, transactions: 2, commits: 1),
        Refusal("bulkWrite", code(115), .success, transactions: 2, commits: 1),
        // Without the label it is not.
        Refusal("insert", code(11600), .failure(.unavailable), transactions: 1, commits: 0),
        Refusal("insert", code(50), .failure(.unavailable), transactions: 1, commits: 0),
        Refusal("insert", code(13), .failure(.unauthorized), transactions: 1, commits: 0),
        Refusal("bulkWrite", code(11600), .failure(.unavailable), transactions: 1, commits: 0),
        Refusal("bulkWrite", code(13), .failure(.unauthorized), transactions: 1, commits: 0),
        Refusal("bulkWrite", code(8000), .failure(.server), transactions: 1, commits: 0),
        Refusal("update", code(8000), .failure(.server), transactions: 1, commits: 0),
    ]

    static let atCommit = [
        // The outcome is open: the commit alone is sent again.
        Refusal("commitTransaction", code(11600, retryable), .success, transactions: 1, commits: 2),
        Refusal("commitTransaction", code(91, retryable), .success, transactions: 1, commits: 2),
        Refusal("commitTransaction", code(189, retryable), times: 3, .success, transactions: 1, commits: 4),
        Refusal("commitTransaction", code(50), .success, transactions: 1, commits: 2),
        Refusal("commitTransaction", closed, .success, transactions: 1, commits: 2),
        Refusal("commitTransaction", concern, .success, transactions: 1, commits: 2),
        // It did not take effect: everything is run again.
        Refusal("commitTransaction", code(112, transient), .success, transactions: 2, commits: 2),
        Refusal("commitTransaction", code(251, transient), .success, transactions: 2, commits: 2),
        // A server that says it is going away, without a label, leaves the outcome open too.
        Refusal("commitTransaction", code(11600), .success, transactions: 1, commits: 2),
        // A refusal that will not change.
        Refusal("commitTransaction", code(13), .failure(.unauthorized), transactions: 1, commits: 1),
    ]

    @Test("a refused command is repeated only where the specification says so", arguments: inTransaction + atCommit)
    func refusal(_ refusal: Refusal) async throws {
        try await withFaultyStore(isOlderServer: ["insert", "update"].contains(refusal.command)) {
            store, proxy, fixture in
            let error = try await fixture.withFailPoint { failPoint in
                try await failPoint.set(.times(refusal.times), [refusal.command], refusal.data)
                return try await daybookError {
                    try await store.repository(Account.self).execute(.deposit(2), on: "a")
                }
            }
            let starts = proxy.exchanges.count { $0.request["startTransaction"] == true }
            #expect(starts == refusal.transactions)
            #expect(proxy.count("commitTransaction") == refusal.commits)
            try await fixture.endSessions(of: proxy)
            switch refusal.end {
            case .success:
                #expect(error == nil)
                try await expectDeposits([1, 2], fixture)
            case .failure(let code):
                #expect(error?.code == code)
                #expect(error?.operation == "execute")
                #expect(error?.aggregateID == "account/a")
                try await expectDeposits([1], fixture)
            }
            // Whatever it was, it is over.
            try await store.repository(Account.self).execute(.deposit(3), on: "a")
        }
    }

    @Test(
        "a command that is refused for ever is outcomeUnknown at the deadline",
        arguments: [code(11600, retryable), code(50), concern])
    func endless(_ data: BSONDocument) async throws {
        try await withFaultyStore(commitTimeout: .milliseconds(300)) { store, proxy, fixture in
            let error = try await fixture.withFailPoint { failPoint in
                try await failPoint.set(.always, ["commitTransaction"], data)
                return try await daybookError {
                    try await store.repository(Account.self).execute(.deposit(2), on: "a", commandID: "c")
                }
            }
            #expect(error?.code == .outcomeUnknown)
            #expect(proxy.exchanges.count { $0.request["startTransaction"] == true } == 1)
            #expect(proxy.count("commitTransaction") >= 2)
            // A write concern that was not met took effect all the same; the other two did not.
            try await fixture.endSessions(of: proxy)
            try await expectDeposits(data["writeConcernError"] == nil ? [1] : [1, 2], fixture)
            // The same command again has the answer.
            let commit = try await store.repository(Account.self).execute(.deposit(2), on: "a", commandID: "c")
            #expect(commit?.versions == 2...2)
            try await expectDeposits([1, 2], fixture)
        }
    }

    @Test("a refused command in a transaction over two aggregates runs the closure again, and commits once")
    func closureAgain() async throws {
        try await withFaultyStore { store, proxy, fixture in
            try await fixture.withFailPoint { failPoint in
                try await failPoint.set(.times(1), ["commitTransaction"], Self.code(251, Self.transient))
                try await store.transaction { transaction in
                    try await transaction.execute(.deposit(2), on: "a", of: Account.self)
                    try await transaction.execute(.deposit(3), on: "b", of: Account.self)
                }
            }
            #expect(proxy.count("commitTransaction") == 2)
            try await expectDeposits([1, 2], on: "a", fixture)
            try await expectDeposits([3], on: "b", fixture)
        }
    }

    @Test("a refused abort does not hide the rejection", arguments: [code(11600, retryable), closed])
    func abort(_ data: BSONDocument) async throws {
        try await withFaultyStore { store, proxy, fixture in
            try await fixture.withFailPoint { failPoint in
                try await failPoint.set(.times(1), ["abortTransaction"], data)
                await #expect(throws: Account.Rejection.insufficient(balance: 1)) {
                    try await store.transaction { transaction in
                        try await transaction.execute(.deposit(2), on: "b", of: Account.self)
                        try await transaction.execute(.withdraw(9), on: "a", of: Account.self)
                    }
                }
            }
            #expect(proxy.count("abortTransaction") >= 1)
            try await fixture.endSessions(of: proxy)
            try await expectDeposits([1], on: "a", fixture)
            try await expectDeposits([], on: "b", fixture)
        }
    }

    @Test("a refused read is tried once more when that may help, and otherwise reported")
    func reads() async throws {
        try await withFaultyStore { store, proxy, fixture in
            let accounts = store.repository(Account.self)
            try await fixture.withFailPoint { failPoint in
                for data in [Self.closed, Self.code(91), Self.code(11600)] {
                    try await failPoint.set(.times(1), ["find"], data)
                    #expect(try await accounts.load("a").version == 1)
                }
                for (number, code) in [(13, DaybookError.Code.unauthorized), (50, .unavailable), (8000, .server)] {
                    try await failPoint.set(.times(1), ["find"], Self.code(Int32(number)))
                    let error = try await daybookError { _ = try await accounts.load("a") }
                    #expect(error?.code == code)
                    #expect((error?.underlying as? MongoError)?.serverCode == Int32(number))
                    #expect((error?.underlying as? MongoError)?.operation == "find")
                }
            }
        }
    }

    @Test(
        "a refused batch ends the iteration with the error, never early as if complete",
        arguments: [code(50), code(43), closed])
    func getMore(_ data: BSONDocument) async throws {
        try await withFaultyStore { store, proxy, fixture in
            let accounts = store.repository(Account.self)
            // More than the server's first batch of 101.
            try await accounts.execute(.depositEach([Int](repeating: 1, count: 149)), on: "a")
            let (seen, error) = try await fixture.withFailPoint { failPoint in
                try await failPoint.set(.times(1), ["getMore"], data)
                var seen = 0
                let error = try await daybookError {
                    for try await event in try accounts.history("a") {
                        seen += 1
                        #expect(event.version == Int64(seen))
                    }
                }
                return (seen, error)
            }
            #expect(error != nil)
            #expect(seen < 150)
            #expect(proxy.count("getMore") == 1)
            var again = 0
            for try await _ in try accounts.history("a") { again += 1 }
            #expect(again == 150)
        }
    }
}
