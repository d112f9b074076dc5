"""Tests amendments/checker.py without a server: what each version of MongoDB refuses, and when."""

from amendments.checker import Checker

BULK = {"bulkWrite": 1, "ops": [{"insert": 0, "document": {}}], "nsInfo": [{"ns": "d.c"}], "$db": "admin"}
BEGIN = {"lsid": {"id": 1}, "txnNumber": 1, "autocommit": False, "startTransaction": True}
LATER = {"lsid": {"id": 1}, "txnNumber": 1, "autocommit": False}
SNAPSHOT = {"readConcern": {"level": "snapshot"}}
MATCH, CHANGES = {"$match": {}}, {"$changeStream": {}}


def aggregate(*stages, **more):
    return {"aggregate": "c", "pipeline": list(stages), "cursor": {}, **more}


def indexes(**more):
    return {"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1", **more}]}


# When a command is refused, and with which code. `before` leaves a transaction open, `within` aborts it.
CASES = [
    # Fields, of commands and of the documents inside.
    ("8.0", aggregate(sort={"_id": 1}), "before", 40415),
    ("8.0", aggregate(MATCH, allowDiskUse=True), None, None),
    ("8.0", {"aggregate": "c", "pipeline": []}, "before", 9),
    ("8.0", {"insert": "c"}, "before", 40414),
    ("8.0", {"insert": "c", "documents": [{"anything": 1}]}, None, None),
    ("7.0", {"update": "c", "updates": [{"q": {}, "u": {}, "sort": {"a": 1}}]}, "before", 40415),
    ("8.0", {"update": "c", "updates": [{"q": {}, "u": {}, "sort": {"a": 1}}]}, None, None),
    ("8.0", {"update": "c", "updates": [{"q": {}, "u": {}, "collation": {"strength": 1}}]}, "before", 40414),
    ("5.0", {"drop": "c", "collectionUUID": 1}, "before", 40415),
    ("6.0", {"drop": "c", "collectionUUID": 1}, None, None),
    ("6.0", {"find": "c", "options": 1}, None, None),
    ("7.0", {"find": "c", "options": 1}, "within", 40415),
    ("8.0", {"find": "c", "options": 1}, "before", 40415),
    ("8.0", {"hello": 1, "whatever": 1}, None, None),
    ("8.0", {"explain": {"find": "c", "whatever": 1}}, "before", 40415),
    ("8.0", indexes(uniqe=True), "within", 197),
    ("8.0", {"createIndexes": "c", "indexes": [{"key": {"a": 1}}]}, "within", 9),
    # The names of versions.
    ("7.0", BULK, "before", 59),
    ("8.0", BULK, None, None),
    ("8.0", BULK | {"$db": "d"}, "before", 13),
    ("8.0", BULK | {"ops": [{"update": 0, "filter": {}, "updateMods": {}, "u": {}}]}, "before", 40415),
    ("5.0", aggregate({"$densify": {}}), "before", 40324),
    ("6.0", aggregate({"$densify": {}}), None, None),
    # Pipelines.
    ("7.0", aggregate(MATCH, CHANGES), "within", 40602),
    ("8.0", aggregate({"$out": "o"}, MATCH), "within", 40601),
    ("8.0", aggregate({"$changeStream": {"resume": 1}}), "within", 40415),
    ("8.0", aggregate({"$sample": {}}), "within", 28749),
    # Transactions.
    ("8.0", BULK | BEGIN | SNAPSHOT, None, None),
    ("5.0", aggregate(MATCH, **BEGIN, **SNAPSHOT), None, None),
    ("8.0", {"find": "c", **LATER, **SNAPSHOT}, "before", 72),
    ("8.0", {"find": "c", **BEGIN, "readConcern": {"level": "linearizable"}}, "before", 72),
    ("8.0", {"create": "c", **BEGIN, **SNAPSHOT}, "within", 72),
    ("8.0", {"create": "c", **BEGIN, "readConcern": {"level": "local"}}, None, None),
    ("8.0", {"count": "c", **LATER}, "before", 263),
    ("8.0", {"find": "c", "$db": "config", **LATER}, "before", 263),
    ("8.0", aggregate({"$unionWith": "o"}, **LATER), "within", 263),
    ("8.0", {"insert": "c", "documents": [], "writeConcern": {"w": 1}, **LATER}, "before", 72),
    ("8.0", {"commitTransaction": 1, "writeConcern": {"w": 1}, **LATER}, None, None),
    ("8.0", {"commitTransaction": 1, **BEGIN}, "before", 263),
    # Concerns and retries outside transactions.
    ("8.0", {"ping": 1, "writeConcern": {"w": 1}}, "before", 72),
    ("8.0", {"configureFailPoint": "failCommand", "mode": "off", "writeConcern": {"w": 1}}, "before", 72),
    ("8.0", {"insert": "c", "documents": [], "writeConcern": {"w": 1, "wait": 1}}, "before", 40415),
    ("8.0", {"count": "c", **SNAPSHOT}, "before", 72),
    ("8.0", aggregate(CHANGES, readConcern={"level": "local"}), "before", 72),
    ("8.0", aggregate(CHANGES, readConcern={"level": "majority"}), None, None),
    ("8.0", {"find": "c", "lsid": {"id": 1}, "txnNumber": 1}, "before", 50768),
    ("8.0", {"insert": "c", "documents": [], "lsid": {"id": 1}, "txnNumber": 1}, None, None),
    # Of a shape that the server itself refuses, and unknown here.
    ("8.0", {"aggregate": "c", "pipeline": 7, "cursor": {}}, None, None),
    ("8.0", {"aggregate": "c", "pipeline": [7, {}], "cursor": {}, "readConcern": 7}, None, None),
    ("8.0", {"listCommands": 1, "whatever": 1}, None, None),
    ("8.0", {}, None, None),
]

if __name__ == "__main__":
    broken = 0
    for version, command, when, code in CASES:
        checker = Checker(version)
        found = {"before": checker.before(command), "within": checker.within(command)}
        first = next(((key, fault["code"]) for key, fault in found.items() if fault), (None, None))
        if first != (when, code):
            broken += 1
            print(f"FAILED: {version} {command}\n  wanted: {when} {code}\n  found:  {first}")
    print(f"{len(CASES)} commands, of which {broken} were taken otherwise than by MongoDB")
    raise SystemExit(broken > 0)
