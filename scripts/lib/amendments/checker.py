"""Says what MongoDB refuses in a command: fields, arguments in transactions, read and write concerns.

MongoDB parses a command, looks at its arguments, and only then at the transaction it is part of. What it refuses before
that leaves the transaction open; what the command itself refuses aborts it. (ExecCommandDatabase::_initiateCommand and
CheckoutSessionAndInvokeCommand in service_entry_point_common.cpp of 5.0, service_entry_point_shard_role.cpp of 8.0.)
"""

from .accepted_commands import COMMANDS, GENERIC
from .accepted_documents import DOCUMENTS, STAGES
from .forms import TRANSACTION_LEVELS, VERSIONS

# The code, its name (and the name before 7.0 where that is another), and MongoDB's message.
FAULTS = {
    "unknown field": (40415, "IDLUnknownField", "BSON field '{path}' is an unknown field."),
    "missing field": (40414, "IDLFailedToParse", "BSON field '{path}' is missing but a required field"),
    "unknown command": (59, "CommandNotFound", "no such command: '{name}'"),
    "not for this database": (13, "Unauthorized", "{name} may only be run against the admin database."),
    "not in a transaction": (
        263,
        "OperationNotSupportedInTransaction",
        "Cannot run '{name}' in a multi-document transaction.",
    ),
    "database in a transaction": (
        263,
        "OperationNotSupportedInTransaction",
        "Cannot run command against the config or local database in a transaction.",
    ),
    "stage in a transaction": (
        263,
        "OperationNotSupportedInTransaction",
        "Stage not supported inside of a multi-document transaction: {name}",
    ),
    "writeConcern in a transaction": (
        72,
        "InvalidOptions",
        "writeConcern is not allowed within a multi-statement transaction",
    ),
    "readConcern of a later statement": (
        72,
        "InvalidOptions",
        "Only the first command in a transaction may specify a readConcern",
    ),
    "readConcern level in a transaction": (
        72,
        "InvalidOptions",
        "The readConcern level must be either 'local' (default), 'majority' or 'snapshot' in order to run in a"
        " transaction",
    ),
    "readConcern of this command in a transaction": (
        72,
        "InvalidOptions",
        "Command {name} does not support this transaction's readConcern",
    ),
    "readConcern": (72, "InvalidOptions", "Command {name} does not support this readConcern"),
    "writeConcern": (72, "InvalidOptions", "Command does not support writeConcern"),
    "txnNumber": (
        50768,
        "NotARetryableWriteCommand",
        "txnNumber may only be provided for multi-document transactions and retryable write commands.",
    ),
    "unknown stage": (40324, "Location40324", "Unrecognized pipeline stage name: '{name}'"),
    "stage not first": (40602, "Location40602", "{name} is only valid as the first stage in a pipeline."),
    "stage not last": (40601, "Location40601", "{name} can only be the final stage in the pipeline"),
    "aggregate without cursor": (
        9,
        "FailedToParse",
        "The 'cursor' option is required, except for aggregate with the explain argument",
    ),
    "unknown index option": (
        197,
        "InvalidIndexSpecificationOption",
        "The field '{name}' is not valid for an index specification.",
    ),
    "missing index option": (
        9,
        "FailedToParse",
        "The '{name}' field is a required property of an index specification",
    ),
    "unknown option of $sample": (28748, "Location28748", "unrecognized option to $sample: {name}"),
    "$sample without size": (28749, "Location28749", "$sample stage must specify a size"),
    "unknown option of readConcern": (72, "InvalidOptions", "Unrecognized option in readConcern: {name}"),
}

_ENDS = ("commitTransaction", "abortTransaction")


class Checker:
    """Says what a MongoDB of one version would refuse in a command."""

    def __init__(self, version):
        self._version = version
        self._documents = {form.name: _Shape(form, version) for form in DOCUMENTS}
        self._stages = {stage.name: stage for stage in STAGES}
        self._commands = {}
        for command in COMMANDS:
            shape = _Shape(command, version, GENERIC.taken(version) | {*command.name.split()})
            self._commands |= {name: (command, shape) for name in command.name.split()}

    def before(self, body):
        """The first thing that is refused before MongoDB looks at the command's transaction, or None.

        None as well for a command that is not known here.
        """
        name = next(iter(body), "")
        command, shape = self._commands.get(name, (None, None))
        if command is None:
            return None
        if not _reached(command.since, self._version):
            return self._fault("unknown command", name=name)
        if command.is_for_admin and body.get("$db", "admin") != "admin":
            return self._fault("not for this database", name=name)
        if _reached(command.parsed_first_since, self._version):
            if found := self._parsed(command, shape, body):
                return found
        for key in ("lsid", "writeConcern", "readConcern"):
            if isinstance(body.get(key), dict) and (found := self._form(self._documents[key], body[key], key)):
                return found
        return self._arguments(command, name, body)

    def within(self, body):
        """The first thing that the command itself refuses, or None."""
        name = next(iter(body), "")
        command, shape = self._commands.get(name, (None, None))
        if command is None:
            return None
        if not _reached(command.parsed_first_since, self._version) and (found := self._parsed(command, shape, body)):
            return found
        if found := self._held(command.holds_when_run, body, command.parsed_as or name):
            return found
        if name == "aggregate" and (found := self._pipeline(body)):
            return found
        if body.get("startTransaction") and command.begins is not None and _level(body) not in command.begins.split():
            return self._fault("readConcern of this command in a transaction", name=name)
        return None

    def _parsed(self, command, shape, body):
        name = next(iter(body))
        path = command.parsed_as or name
        if not command.is_lenient and _reached(command.strict_since, self._version):
            if found := self._form(shape, body, path):
                return found
        if found := self._held(command.holds, body, path):
            return found
        if name == "explain" and isinstance(body[name], dict):
            return self.before(body[name] | {"$db": body.get("$db", "admin")})
        if name == "aggregate" and isinstance(body.get("pipeline"), list):
            if "cursor" not in body and "explain" not in body:
                return self._fault("aggregate without cursor")
            for stage in body["pipeline"]:
                known = self._stages.get(next(iter(stage), "")) if isinstance(stage, dict) else None
                if known and not _reached(known.since, self._version):
                    return self._fault("unknown stage", name=known.name)
        return None

    def _form(self, shape, document, path):
        if not shape.known.issuperset(document):
            key = next(key for key in document if key not in shape.known)
            return self._fault(shape.form.unknown, name=key, path=f"{path}.{key}")
        for key in shape.needs:
            if key not in document:
                return self._fault(shape.form.missing, name=key, path=f"{path}.{key}")
        return self._held(shape.form.holds, document, path)

    def _held(self, holds, document, path):
        for key, names in holds.items():
            held = document.get(key)
            if names[0] == "index specification" and document.get("ignoreUnknownIndexOptions"):
                continue
            for entry in held if isinstance(held, list) else [held]:
                if not isinstance(entry, dict):
                    continue
                # One of several kinds, as the operations of a bulkWrite: "bulkWrite insert op" begins with `insert`.
                first = next(iter(entry), "")
                name = names[0] if len(names) == 1 else next((name for name in names if f" {first} " in name), None)
                if name and (found := self._form(self._documents[name], entry, f"{path}.{key}")):
                    return found
        return None

    def _pipeline(self, body):
        pipeline = body.get("pipeline")
        for place, stage in enumerate(pipeline if isinstance(pipeline, list) else ()):
            if not isinstance(stage, dict):
                continue  # the server's own to refuse
            name, options = next(iter(stage.items()), ("", None))
            known = self._stages.get(name)
            if known is None:
                continue  # a stage for searching, or no stage at all, which the server refuses
            if known.is_first and place > 0:
                return self._fault("stage not first", name=name)
            if known.is_last and place < len(pipeline) - 1:
                return self._fault("stage not last", name=name)
            if body.get("autocommit") is False and not known.is_in_transactions:
                return self._fault("stage in a transaction", name=name)
            if name in self._documents and isinstance(options, dict):
                if found := self._form(self._documents[name], options, name):
                    return found
        return None

    def _arguments(self, command, name, body):
        read, level = body.get("readConcern") or {}, _level(body)
        if body.get("autocommit") is False:
            begins = bool(body.get("startTransaction"))
            if command.begins is None or (begins and (name in _ENDS or name == "killCursors")):
                return self._fault("not in a transaction", name=name)
            if body.get("$db") in ("local", "config"):
                return self._fault("database in a transaction")
            if "writeConcern" in body and name not in _ENDS:
                return self._fault("writeConcern in a transaction")
            if read and not begins:
                return self._fault("readConcern of a later statement")
            if begins and level not in TRANSACTION_LEVELS.split():
                return self._fault("readConcern level in a transaction")
            return None
        if "txnNumber" in body and not command.is_retryable:
            return self._fault("txnNumber")
        if "writeConcern" in body and not command.takes_write_concern:
            return self._fault("writeConcern")
        # A change stream reads what a majority has: DocumentSourceChangeStream::LiteParsed::supportsReadConcern.
        pipeline = body.get("pipeline") if name == "aggregate" else None
        first = pipeline[0] if isinstance(pipeline, list) and pipeline else None
        follows = isinstance(first, dict) and "$changeStream" in first and isinstance(read, dict) and "level" in read
        if level not in command.reads.split() or (follows and level != "majority"):
            return self._fault("readConcern", name=name)
        return None

    def _fault(self, what, **words):
        code, name, message = FAULTS[what]
        if code >= 40413 and not _reached("7.0", self._version):
            name = f"Location{code}"  # these have had names of their own since
        return {"ok": 0.0, "errmsg": message.format(**words), "code": code, "codeName": name}


class _Shape:
    """A form as one version takes it."""

    def __init__(self, form, version, also=frozenset()):
        self.form = form
        self.known = form.taken(version) | also
        self.needs = form.needs.split()


def _level(body):
    read = body.get("readConcern")
    return read.get("level", "local") if isinstance(read, dict) else "local"


def _reached(since, version):
    return VERSIONS.index(since) <= VERSIONS.index(version)
