"""Ends and begins transactions as MongoDB does."""

import contextlib
import functools
import time

from secantus import commands, server, storage


def limit_transactions(seconds):
    """Gives up a dead client's transaction after so long without a statement: transactionLifetimeLimitSeconds."""
    constructor = server.SecantusDBServer.__init__
    server.SecantusDBServer.__init__ = functools.partialmethod(constructor, transaction_lifetime_seconds=seconds)


def let_removals_wait():
    """Lets the commands that remove or rename collections wait for the open transactions, as MongoDB's do.

    Those of 0.7.0b3 take the server's lock, then try for ever to remove documents that a transaction has written, whose
    commit waits for the same lock: from then on the server answers no client.
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
                # In the server's own order: a collection's lock, under which plain writes run, then that of everything.
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
