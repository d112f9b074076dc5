import Daybook
import Foundation
import IntegrationSupport
import Testing

/// What `execute` stores, as a stranger finds it: pymongo and the stated fields and types, none of our code.
@Suite struct StoredFormTests {
    private static let program = """
        import bson, datetime, hashlib, os, struct, sys, uuid, pymongo
        from bson import Int64
        from bson.codec_options import CodecOptions
        from bson.raw_bson import RawBSONDocument
        standard = bson.binary.UuidRepresentation.STANDARD
        options = CodecOptions(uuid_representation=standard, tz_aware=True)
        database = pymongo.MongoClient(os.environ["DAYBOOK_URI"])[sys.argv[1]]
        commits = sys.argv[2:]

        def types(document, prefix=""):
            for key, value in document.items():
                if isinstance(value, dict):
                    yield f"{prefix}{key} document"
                    yield from types(value, f"{prefix}{key}.")
                else:
                    yield f"{prefix}{key} {type(value).__name__}"

        def check(condition, what, *values):
            if not condition: sys.exit(f"{what}: {values}")

        def time_of(event_id):
            check(event_id.version == 7 and event_id.variant == uuid.RFC_4122, "a UUID of version 7", event_id)
            milliseconds = event_id.int >> 80
            return datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(milliseconds=milliseconds)

        # The journal
        named = ["meta.commandName str"]
        identified = ["meta.commandId str", "meta.commandName str", "meta.commandDigest bytes"]
        context = ["meta.correlationId str", "meta.causationId str", "meta.actor str", "meta.headers document",
            "meta.headers.a-b str", "meta.headers.z str"]
        meta = {("account/a", 1): identified, ("account/a", 2): [], ("account/a", 3): named,
            ("account/a", 4): identified + context, ("account/b", 1): identified + context, ("account/b", 2): context}
        events = list(database.get_collection("journal", codec_options=options).find().sort([("aggregateId", 1), ("version", 1)]))
        check(len(events) == 6, "events", events)
        for event in events:
            wanted_meta = meta[(event["aggregateId"], event["version"])]
            wanted = ["_id UUID", "aggregateId str", "version Int64", "type str", "schema int", "data document",
                "data.amount Int64", "recordedAt datetime", "commit document", "commit.id UUID", "commit.index int",
                "commit.count int", "meta document"] + wanted_meta
            check(list(types(event)) == wanted, "an event's fields", list(types(event)))
            check(event["schema"] == 1, "schema", event)
            check(time_of(event["_id"]) == event["recordedAt"], "recordedAt is the id's own time", event)
        check([(e["aggregateId"], e["version"]) for e in events] ==
            [("account/a", 1), ("account/a", 2), ("account/a", 3), ("account/a", 4), ("account/b", 1), ("account/b", 2)],
            "versions", events)
        check([e["type"] for e in events] == ["deposited"] * 3 + ["withdrawn"] + ["deposited"] * 2, "types", events)
        check([e["data"]["amount"] for e in events] == [1, 2, 3, 4, 5, 6], "amounts", events)
        check([e["meta"].get("commandId") for e in events] == ["c-1", None, None, "c-2", "c-2", None], "command ids", events)
        check([e["meta"].get("commandName") for e in events] ==
            ["depositEach", None, "deposit", "withdraw", "depositEach", None], "command names", events)
        check(all(len(e["meta"]["commandDigest"]) == 32 for e in events if "commandDigest" in e["meta"]), "digests", events)
        for event in events[3:]:
            check(event["meta"]["correlationId"] == "r-1" and event["meta"]["causationId"] == "e-1"
                and event["meta"]["actor"] == "clerk" and event["meta"]["headers"] == {"a-b": "1", "z": "2"}, "context", event)
        check([(e["commit"]["index"], e["commit"]["count"]) for e in events] ==
            [(0, 2), (1, 2), (0, 1), (0, 3), (1, 3), (2, 3)], "places in commits", events)
        check([str(e["commit"]["id"]) for e in events[:3]] == [commits[0], commits[0], commits[1]], "commit ids", events)
        for event in events:
            first = [e for e in events if e["commit"]["id"] == event["commit"]["id"] and e["commit"]["index"] == 0][0]
            check(event["commit"]["id"] == first["_id"], "a commit's id is its first event's", event)
            check(event["recordedAt"] == first["recordedAt"], "one time for a whole commit", event)
        ids = [e["_id"].bytes for e in events[:4]]
        check(ids == sorted(ids), "ids increase along an aggregate", ids)

        # The snapshots
        snapshots = list(database.get_collection("snapshots.account", codec_options=options).find().sort("_id", 1))
        raw = {s["_id"]: s for s in
            database.get_collection("snapshots.account", codec_options=CodecOptions(document_class=RawBSONDocument)).find()}
        check([s["_id"] for s in snapshots] == ["account/a", "account/b"], "snapshots", snapshots)
        for snapshot in snapshots:
            wanted = ["_id str", "version Int64", "state document", "state.balance Int64", "state.entries Int64",
                "stateSchema int", "digest bytes", "head document", "head.eventId UUID", "head.recordedAt datetime",
                "createdAt datetime", "updatedAt datetime"]
            check(list(types(snapshot)) == wanted, "a snapshot's fields", list(types(snapshot)))
            stream = [e for e in events if e["aggregateId"] == snapshot["_id"]]
            check(snapshot["version"] == len(stream), "version", snapshot)
            check(snapshot["head"] == {"eventId": stream[-1]["_id"], "recordedAt": stream[-1]["recordedAt"]}, "head", snapshot)
            check((snapshot["createdAt"], snapshot["updatedAt"]) == (stream[0]["recordedAt"], stream[-1]["recordedAt"]), "times", snapshot)
            balance = sum(-e["data"]["amount"] if e["type"] == "withdrawn" else e["data"]["amount"] for e in stream)
            check(snapshot["state"] == {"balance": balance, "entries": len(stream)}, "state", snapshot)
            # The digest, as the docstring of StoredSnapshot.digest has it.
            name = snapshot["_id"].encode()
            digest = hashlib.sha256(
                struct.pack("<I", len(name)) + name + struct.pack("<q", snapshot["version"])
                + struct.pack("<i", snapshot["stateSchema"]) + snapshot["head"]["eventId"].bytes
                + struct.pack("<q", stream[0]["_id"].int >> 80)
                + raw[snapshot["_id"]]["state"].raw).digest()
            check(snapshot["digest"] == digest, "digest", snapshot)
        print("checked")
        """

    @Test("the stored events and snapshots have the fields, the types and the digest that the design states")
    func asDesigned() async throws {
        try await withTestStore(configure: { $0.allowedHeaders = ["a-b", "z"] }) { store in
            let accounts = store.repository(Account.self)
            let first = try #require(try await accounts.execute(.depositEach([1, 2]), on: "a", commandID: "c-1"))
            let second = try #require(try await accounts.execute(.deposit(3), on: "a"))
            let context = CommandContext(
                correlationID: "r-1", causationID: "e-1", actor: "clerk",
                headers: ["z": "2", "A-B": "1", "authorization": "secret"])
            try await store.transaction(context: context) { transaction in
                try await transaction.execute(.withdraw(4), on: "a", of: Account.self, commandID: "c-2")
                try await transaction.execute(.depositEach([5, 6]), on: "b", of: Account.self, commandID: "c-2")
            }
            let commits = [first, second].map { $0.id.uuidString.lowercased() }
            let output = try await Python.run(Self.program, [store.database] + commits)
            #expect(output == ["checked"])
        }
    }
}
