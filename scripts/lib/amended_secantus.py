"""Starts SecantusDB, of the version that scripts/lib/python.sh names, with amendments: it answers as MongoDB does.

usage: amended_secantus.py VERSION TRANSACTION-SECONDS [arguments of secantusd-py]

VERSION is the MongoDB that it pretends to be, whose refusals it makes: 5.0, 6.0, 7.0 or 8.0.
"""

import sys

sys.dont_write_bytecode = True  # no files of Python's among the scripts

from amendments import clock, collections, connections, privileges, refusals, transactions, versions  # noqa: E402
from secantus import cli  # noqa: E402

if __name__ == "__main__":
    version, seconds = sys.argv.pop(1), float(sys.argv.pop(1))
    versions.pretend(version)
    transactions.limit_transactions(seconds)
    connections.keep_idle_connections()
    collections.keep_identity_on_rename()
    transactions.let_removals_wait()
    transactions.let_bulk_writes_begin_transactions()
    clock.let_now_be_compared()
    privileges.guard_collections()
    refusals.refuse(version)
    sys.exit(cli.main())
