"""Lets a collection stay the same one when it is renamed."""

from secantus import commands, storage


def keep_identity_on_rename():
    """Lets a collection keep its UUID and its options when it is renamed, and checks `collectionUUID`, as MongoDB does.

    Those of 0.7.0b3 are lost: the collection gets a new UUID, and no validator. MongoDB's checkCollectionUUIDMismatch
    refuses with 361:
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
