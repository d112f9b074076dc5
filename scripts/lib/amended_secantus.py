"""Starts SecantusDB as its own secantusd-py does, but for what is amended here, of the version that scripts/lib/python.sh names.

usage: amended_secantus.py TRANSACTION-SECONDS [arguments of secantusd-py]
"""

import contextlib
import functools
import sys
import time

from secantus import cli, commands, rbac, server, storage


def limit_transactions(seconds):
    """A dead client's transaction is given up after so long without a statement, as by MongoDB's transactionLifetimeLimitSeconds."""
    constructor = server.SecantusDBServer.__init__
    server.SecantusDBServer.__init__ = functools.partialmethod(constructor, transaction_lifetime_seconds=seconds)


def let_removals_wait():
    """Lets the commands that remove or rename collections wait for the open transactions, as MongoDB's do.

    Those of 0.7.0b3 take the server's lock, then try for ever to remove documents that a transaction has written, whose commit waits for
    the same lock: from then on nobody is answered.
    """
    open_transactions = set()
    begin = storage.Storage.begin_user_transaction
    close = storage.Storage._close_user_txn_session

    def begin_counted(self):
        with self._lock:
            handle = begin(self)
            open_transactions.add(id(handle))
            return handle

    def close_counted(self, handle):
        close(self, handle)
        open_transactions.discard(id(handle))

    def alone(command, namespaces):
        def handle(document, context):
            while True:
                # In the server's own order: a collection's lock, under which plain writes run, before the lock of everything.
                with contextlib.ExitStack() as locks:
                    for namespace in sorted(namespaces(document, context)):
                        database, _, collection = namespace.partition(".")
                        locks.enter_context(context.storage._coll_lock(database, collection))
                    locks.enter_context(context.storage._lock)
                    if not open_transactions:
                        return command(document, context)
                context.transactions.prune_expired()
                time.sleep(0.002)

        return handle

    storage.Storage.begin_user_transaction = begin_counted
    storage.Storage._close_user_txn_session = close_counted
    for name, namespaces in (
        ("renameCollection", lambda document, _: [str(document.get(key)) for key in ("renameCollection", "to")]),
        ("drop", lambda document, context: [f"{context.db_name}.{document.get('drop')}"]),
        ("dropDatabase", lambda *_: []),
    ):
        commands._HANDLERS[name] = alone(commands._HANDLERS[name], namespaces)


def let_bulk_writes_begin_transactions():
    """Takes `readConcern` on a `bulkWrite` that begins a transaction, which drivers send and MongoDB takes."""
    commands._BULK_WRITE_KNOWN_FIELDS |= {"readConcern"}


def guard_bulk_writes():
    """Asks for the privilege that each write of a `bulkWrite` takes, as MongoDB does; 0.7.0b3 lets any user do it."""
    write = commands._HANDLERS["bulkWrite"]
    actions = {"insert": rbac.A_INSERT, "update": rbac.A_UPDATE, "delete": rbac.A_REMOVE}

    def needs(document):
        """What it takes: pairs of an action and a database. What is malformed is for the command itself to refuse."""
        namespaces = [str(entry.get("ns")) for entry in document.get("nsInfo") or []]
        for operation in document.get("ops") or []:
            kind, place = next(iter(operation.items()), (None, None))
            if kind in actions and isinstance(place, int) and 0 <= place < len(namespaces):
                yield actions[kind], namespaces[place].partition(".")[0]

    def guarded(document, context):
        user = context.connection_auth
        if context.require_auth and user is not None and user.is_authenticated:
            for action, database in sorted(set(needs(document))):
                if not rbac.check_privilege(
                    user.effective_roles, action, target_db=database, cluster=False, role_resolver=context.storage.get_role
                ):
                    return {
                        "ok": 0.0,
                        "errmsg": f"not authorized on {database} to execute command (action: {action})",
                        "code": 13,
                        "codeName": "Unauthorized",
                    }
        return write(document, context)

    commands._HANDLERS["bulkWrite"] = guarded


if __name__ == "__main__":
    limit_transactions(float(sys.argv.pop(1)))
    let_removals_wait()
    let_bulk_writes_begin_transactions()
    guard_bulk_writes()
    sys.exit(cli.main())
