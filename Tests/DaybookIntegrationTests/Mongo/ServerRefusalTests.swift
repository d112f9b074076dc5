import Foundation
import IntegrationSupport
import Testing

/// The local server refuses what MongoDB refuses: otherwise a test on it does not show that a command works on MongoDB.
/// On a MongoDB these tests show that what the local server assumes is so. They ask through another driver, which lets
/// commands pass that ours would not send.
@Suite("The server at hand", .timeLimit(.minutes(1)))
struct ServerRefusalTests {
    /// Sets up `things`, a collection of a database of its own; `code` is that of a command's refusal, 0 where it is
    /// accepted.
    private static let setUp = """
        import os, sys
        import pymongo, pymongo.errors

        client = pymongo.MongoClient(os.environ["DAYBOOK_URI"], retryWrites=False)
        database = client[sys.argv[1]]
        version = [int(part) for part in client.admin.command("buildInfo")["version"].split(".")]
        database.command("create", "things")

        def code(of, **more):
            try:
                (client.admin if next(iter(of)) == "bulkWrite" else database).command(of, **more)
                return 0
            except pymongo.errors.OperationFailure as error:
                return error.code

        """

    private func answers(_ program: String) async throws -> [String] {
        try await withRawDatabase { try await Python.run(Self.setUp + program, [$0.name]) }
    }

    @Test("the test server reports one MongoDB version everywhere, and has bulkWrite from 8.0 on")
    func version() async throws {
        let found = try await answers(
            """
            print(version[0], client.admin.command("hello")["maxWireVersion"])
            print(code({"bulkWrite": 1, "ops": [{"insert": 0, "document": {}}], "nsInfo": [{"ns": database.name + ".things"}]}))
            """)
        let major = try #require(found[0].split(separator: " ").first.flatMap { Int($0) })
        let wire = try #require(found[0].split(separator: " ").last.flatMap { Int($0) })
        // https://github.com/mongodb/mongo/blob/master/src/mongo/db/wire_version.h
        let first = [5: 13, 6: 17, 7: 21, 8: 25]
        #expect(wire >= first[major] ?? 25 && wire < first[major + 1] ?? .max)
        if let wanted = ProcessInfo.processInfo.environment["DAYBOOK_SERVER_VERSION"] {
            #expect("\(major).0" == wanted)
        }
        // 7.0 may know the name, and refuse it for a feature that is not there yet.
        #expect(major >= 8 ? found[1] == "0" : ["59", "115"].contains(found[1]), "\(found)")
    }

    @Test("the test server refuses a field that a command, or a document in it, does not have")
    func fields() async throws {
        let found = try await answers(
            """
            empty = {"aggregate": "things", "pipeline": [], "cursor": {}}
            print(code(empty), code(empty | {"sort": {"_id": 1}}), code(empty | {"limit": 1}))
            print(code({"find": "things", "filtr": {}}), code({"insert": "things", "documents": [{}], "upsert": True}))
            update = {"q": {}, "u": {"$set": {"a": 1}}}
            print(code({"update": "things", "updates": [update]}), code({"update": "things", "updates": [update | {"upsrt": True}]}))
            print(code({"createIndexes": "things", "indexes": [{"key": {"a": 1}, "name": "a", "uniqe": True}]}))
            print(code({"update": "things", "updates": [update | {"sort": {"a": 1}}]}) if version < [8] else 40415)
            """)
        #expect(found == ["0 40415 40415", "40415 40415", "0 40415", "197", "40415"])
    }

    @Test("the test server refuses a writeConcern, a readConcern or a txnNumber on a command that takes none")
    func arguments() async throws {
        let found = try await answers(
            """
            print(code({"ping": 1, "writeConcern": {"w": 1}}), code({"listIndexes": "things", "writeConcern": {"w": 1}}))
            print(code({"count": "things", "readConcern": {"level": "snapshot"}}))
            stream = {"aggregate": "things", "pipeline": [{"$changeStream": {}}], "cursor": {}}
            print(code(stream | {"readConcern": {"level": "local"}}), code(stream | {"readConcern": {"level": "majority"}}))
            """)
        #expect(found == ["72 72", "72", "72 0"])
    }

    @Test(
        "the test server leaves a transaction open when it refuses a command's form, and aborts it when the command fails"
    )
    func transactions() async throws {
        let found = try await answers(
            """
            def transaction(*refused):
                with client.start_session() as session:
                    session.start_transaction()
                    database.things.insert_one({"of": str(refused)}, session=session)
                    codes = [code(each, session=session) for each in refused]
                    try:
                        session.commit_transaction()
                        print(*codes, database.things.count_documents({}))
                    except pymongo.errors.OperationFailure as error:
                        print(*codes, "commit", error.code, database.things.count_documents({}))

            match = {"aggregate": "things", "pipeline": [{"$match": {}}], "cursor": {}}
            transaction({"count": "things"}, match | {"sort": {"_id": 1}}, {"insert": "things", "documents": [{}], "writeConcern": {"w": 1}})
            transaction(match | {"pipeline": [{"$match": {}}, {"$unionWith": "things"}]})
            transaction({"createIndexes": "more", "indexes": [{"key": {"a": 1}, "name": "a", "uniqe": True}]})
            """)
        #expect(found == ["263 40415 72 1", "263 commit 251 1", "197 commit 251 1"])
    }

    @Test("the test server compares the time of a statement with the dates of documents")
    func now() async throws {
        let found = try await answers(
            """
            import datetime

            minute, now = datetime.timedelta(minutes=1), datetime.datetime.now(datetime.timezone.utc)
            database.things.insert_many([{"_id": "past", "at": now - minute}, {"_id": "future", "at": now + minute}])
            expired = {"$lt": ["$at", "$$NOW"]}
            database.things.update_many({}, [{"$set": {"expired": {"$cond": [expired, "yes", "no"]}, "seen": "$$NOW"}}])
            print(*(each["_id"] + "=" + each["expired"] for each in database.things.find(sort=[("_id", 1)])))
            print(*(each["_id"] for each in database.things.find({"$expr": expired})))
            print(database.things.count_documents({"$expr": {"$lte": ["$seen", "$$NOW"]}}))
            """)
        #expect(found == ["future=no past=yes", "past", "2"])
    }
}
