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


def keep_identity_on_rename():
    """Lets a collection keep its UUID and its options when it is renamed, and checks `collectionUUID`, as MongoDB does.

    Those of 0.7.0b3 are lost: the collection gets a new UUID, and no validator. MongoDB's checkCollectionUUIDMismatch refuses with 361:
    https://github.com/mongodb/mongo/blob/v8.0/src/mongo/db/catalog/collection_uuid_mismatch.cpp
    """
    rename = storage.Storage.rename_collection

    def keeping(self, source_database, source, target_database, target, **options):
        with self._lock:
            kept = None
            if self._coll_options(source_database, source) is not None:
                self._collection_uuid(source_database, source)
                kept = self._coll_options(source_database, source)
            done, error = rename(self, source_database, source, target_database, target, **options)
            if done and kept and (source_database, source) != (target_database, target):
                self._write_coll_options(target_database, target, kept)
            return done, error

    def checking(name, namespace):
        command = commands._HANDLERS[name]

        def handle(document, context):
            expected = document.get("collectionUUID")
            if expected is not None:
                database, _, collection = namespace(document, context).partition(".")
                found = None
                if context.storage.collection_exists(database, collection):
                    found = context.storage.collection_uuid(database, collection)
                if found is None or found.bytes != bytes(getattr(expected, "bytes", expected)):
                    return {
                        "ok": 0.0,
                        "errmsg": "Collection UUID does not match that specified",
                        "code": 361,
                        "codeName": "CollectionUUIDMismatch",
                        "db": database,
                        "collectionUUID": expected,
                        "expectedCollection": collection,
                        "actualCollection": None,
                    }
            return command(document, context)

        commands._HANDLERS[name] = handle

    storage.Storage.rename_collection = keeping
    checking("renameCollection", lambda document, _: str(document.get("renameCollection")))
    checking("drop", lambda document, context: f"{context.db_name}.{document.get('drop')}")


if __name__ == "__main__":
    limit_transactions(float(sys.argv.pop(1)))
    keep_identity_on_rename()
    let_removals_wait()
    let_bulk_writes_begin_transactions()
    guard_bulk_writes()
    sys.exit(cli.main())
