"""How accepted_commands.py and accepted_documents.py say what MongoDB takes."""

from dataclasses import dataclass, field

VERSIONS = ("5.0", "6.0", "7.0", "8.0")

# Levels of readConcern that a read takes outside a transaction, and that the first statement of a transaction takes.
ANY_LEVEL = "local available majority linearizable snapshot"
TRANSACTION_LEVELS = "local majority snapshot"


@dataclass(frozen=True)
class Form:
    """A document of a command: which fields it takes."""

    name: str
    # By the first version that takes them; "5.0" means 5.0 or earlier. "-field": that version no longer takes it.
    fields: dict[str, str] = field(default_factory=dict)
    needs: str = ""
    # A field that holds a document, or an array of them, and the forms these may have. Where there are several, the
    # first field of each names it, as `insert` in an operation of a bulkWrite.
    holds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # The faults for a field that is unknown, or missing, as refusals.py names them.
    unknown: str = "unknown field"
    missing: str = "missing field"

    def taken(self, version):
        """The fields that this version takes."""
        taken = set()
        for since, names in self.fields.items():
            if VERSIONS.index(since) <= VERSIONS.index(version):
                taken |= {name for name in names.split() if not name.startswith("-")}
                taken -= {name[1:] for name in names.split() if name.startswith("-")}
        return frozenset(taken)


@dataclass(frozen=True)
class Command(Form):
    """A command: `name` is its name and its aliases."""

    since: str = "5.0"
    is_for_admin: bool = False
    # Whether it ignores fields that it does not know, or did so before a version.
    is_lenient: bool = False
    strict_since: str = "5.0"
    # The name by which MongoDB's message calls it.
    parsed_as: str = ""
    takes_write_concern: bool = False
    # Whether it takes a txnNumber outside a transaction.
    is_retryable: bool = False
    # The levels of readConcern that it takes outside a transaction, and as the first statement of one. `begins` is None
    # for a command that is refused in a transaction.
    reads: str = "local"
    begins: str | None = None
    # Documents as in `holds` that MongoDB looks at only when it runs the command, within the transaction.
    holds_when_run: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # The first version that parses the whole command before it looks for the transaction.
    parsed_first_since: str = "5.0"


@dataclass(frozen=True)
class Stage:
    """A stage of a pipeline."""

    name: str
    since: str = "5.0"
    is_first: bool = False
    is_last: bool = False
    is_in_transactions: bool = True
