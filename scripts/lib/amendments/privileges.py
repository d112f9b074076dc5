"""Asks for the privileges that MongoDB asks for, by collection. SecantusDB looks at a role's actions and database only.

What each command takes: https://www.mongodb.com/docs/manual/reference/privilege-actions/ and the server's sources:
db/auth/authorization_checks.cpp, rename_collection_common.cpp, user_management_commands_common.cpp.
A privilege for a resource: https://www.mongodb.com/docs/manual/reference/resource-document/
"""

import functools
import threading

from secantus import commands, rbac, server, storage

CLUSTER = ("cluster",)
ANY = ("any",)

# How SecantusDB's built-in roles differ from MongoDB's (db/auth/builtin_roles.yml), in the actions asked for here.
MORE = {
    "readWrite": {"convertToCapped"},
    "readWriteAnyDatabase": {"convertToCapped"},
    "dbAdmin": {"bypassDocumentValidation", "convertToCapped", "validate"},
    "dbAdminAnyDatabase": {"bypassDocumentValidation", "convertToCapped", "validate"},
    "dbOwner": {"convertToCapped", "validate"},
    "clusterAdmin": {"collStats", "indexStats", "killAnySession"},
    "root": {"convertToCapped", "indexStats", "killAnySession", "validate"},
}
LESS = {
    "readWrite": {"collMod", "bypassDocumentValidation"},
    "readWriteAnyDatabase": {"collMod", "bypassDocumentValidation"},
    "dbAdmin": {"killCursors"},
    "dbAdminAnyDatabase": {"killCursors"},
}


class Privileges:
    """What a user may do, by their roles."""

    def __init__(self, actions):
        self._actions = actions

    def allow(self, resource, *actions):
        """Whether they may do all of it, be it by several privileges.

        `resource` is CLUSTER, (database, collection) or, for a database, (database, "").
        """
        wanted = set(actions)
        for place in _places(resource):
            wanted -= self._actions.get(place, frozenset())
        return not wanted


def _places(resource):
    """The resources of privileges that are good for this one, as in MongoDB's buildResourceSearchList."""
    yield ANY
    yield resource
    if resource == CLUSTER:
        return
    database, collection = resource
    if collection:
        yield ("", collection)
    if collection.startswith("system."):
        return  # only by name
    yield (database, "")
    if database not in ("local", "config"):
        yield ("", "")


class Roles:
    """The privileges of roles, looked up once for all commands until a role is made, changed or dropped."""

    def __init__(self):
        self._known = {}
        self._generation = 0
        self._lock = threading.Lock()
        for name in ("add_role", "drop_role"):
            self._forget_after(name)

    def _forget_after(self, name):
        method = getattr(storage.Storage, name)

        @functools.wraps(method)
        def changed(*arguments, **named):
            try:
                return method(*arguments, **named)
            finally:
                with self._lock:
                    self._generation += 1
                    self._known = {}

        setattr(storage.Storage, name, changed)

    def privileges(self, roles, lookup):
        """Of a user with these roles; `lookup` finds a role that is not built in."""
        key = tuple((str(role.get("role")), str(role.get("db"))) for role in roles)
        if (known := self._known.get(key)) is not None:
            return known
        generation = self._generation
        actions, pending, seen = {}, list(key), set()
        while pending:
            name, database = role = pending.pop()
            if role in seen:
                continue
            seen.add(role)
            if name in rbac.BUILT_IN_ROLES:
                privileges = _built_in(name, database)
            elif found := lookup(database, name):
                privileges = [(_resource(each["resource"]), each["actions"]) for each in found.get("privileges") or ()]
                pending += [(str(each.get("role")), str(each.get("db"))) for each in found.get("roles") or ()]
            else:
                continue
            for resource, granted in privileges:
                actions[resource] = actions.get(resource, frozenset()) | frozenset(granted)
        privileges = Privileges(actions)
        with self._lock:
            if self._generation == generation:
                self._known[key] = privileges
        return privileges


def _built_in(name, database):
    role = rbac.BUILT_IN_ROLES[name]
    if role.admin_only and database != "admin":
        return []
    actions = (role.actions | MORE.get(name, frozenset())) - LESS.get(name, frozenset())
    place = ("", "") if role.any_db else (database, "")
    return [(place, actions), (CLUSTER, actions)] if role.cluster else [(place, actions)]


def _resource(document):
    if document.get("anyResource"):
        return ANY
    if document.get("cluster"):
        return CLUSTER
    return (document.get("db", ""), document.get("collection", ""))


# What a command takes. Each is a function of the user's privileges, the command's database and its body. What is
# malformed is for the command itself to refuse: it takes no privilege to hear that.


def _one(*actions):
    """A command on one collection."""

    def may(privileges, database, body):
        collection = next(iter(body.values()))
        return not isinstance(collection, str) or privileges.allow((database, collection), *actions)

    return may


def _on_database(*actions):
    return lambda privileges, database, _: privileges.allow((database, ""), *actions)


def _on_cluster(*actions):
    return lambda privileges, _database, _: privileges.allow(CLUSTER, *actions)


def _anyone(*_):
    return True


def _bypass(body):
    return ["bypassDocumentValidation"] if body.get("bypassDocumentValidation") else []


def _documents(value):
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _may_insert(privileges, database, body):
    return _one("insert", *_bypass(body))(privileges, database, body)


def _may_update(privileges, database, body):
    upserts = ["insert"] if any(each.get("upsert") for each in _documents(body.get("updates"))) else []
    return _one("update", *upserts, *_bypass(body))(privileges, database, body)


def _may_find_and_modify(privileges, database, body):
    actions = ["find", "remove" if body.get("remove") else "update"]
    if body.get("upsert"):
        actions.append("insert")
    return _one(*actions, *_bypass(body))(privileges, database, body)


def _may_bulk_write(privileges, _database, body):
    namespaces = [str(each.get("ns")).partition(".") for each in _documents(body.get("nsInfo"))]
    for operation in _documents(body.get("ops")):
        kind, place = next(iter(operation.items()), (None, None))
        actions = {"insert": ["insert"], "update": ["update"], "delete": ["remove"]}.get(kind)
        if actions is None or not isinstance(place, int) or not 0 <= place < len(namespaces):
            continue
        if operation.get("upsert"):
            actions.append("insert")
        database, _, collection = namespaces[place]
        if not privileges.allow((database, collection), *actions, *_bypass(body)):
            return False
    return True


def _may_aggregate(privileges, database, body):
    collection = next(iter(body.values()))
    place = (database, collection if isinstance(collection, str) else "")
    return all(privileges.allow(*need) for need in _pipeline_needs(place, _documents(body.get("pipeline")), body))


def _pipeline_needs(place, pipeline, body):
    """Pairs of a resource and an action."""
    database, _ = place
    first = next(iter(pipeline[0]), "") if pipeline else ""
    sources = {"$collStats": [(place, "collStats")], "$indexStats": [(place, "indexStats")]}
    sources["$currentOp"] = [(CLUSTER, "inprog")]
    sources["$changeStream"] = [(place, "find"), (place, "changeStream")]
    yield from sources.get(first, [(place, "find")])
    for stage in pipeline:
        name, options = next(iter(stage.items()), ("", None))
        fields = options if isinstance(options, dict) else {}
        if name in ("$lookup", "$graphLookup", "$unionWith"):
            other = options if isinstance(options, str) else fields.get("coll" if name == "$unionWith" else "from")
            if isinstance(other, str):
                yield from _pipeline_needs((database, other), _documents(fields.get("pipeline")), body)
        elif name == "$facet":
            for inner in fields.values():
                yield from _pipeline_needs(place, _documents(inner), body)
        elif name in ("$out", "$merge"):
            into = fields.get("into") if name == "$merge" and fields else options
            target = (database, into)
            if isinstance(into, dict):
                target = (into.get("db", database), into.get("coll"))
            if isinstance(target[1], str):
                for action in ("insert", "remove" if name == "$out" else "update", *_bypass(body)):
                    yield (target, action)


def _may_explain(privileges, database, body):
    inner = next(iter(body.values()))
    rule = COMMANDS.get(next(iter(inner), "")) if isinstance(inner, dict) else None
    return rule is None or rule(privileges, database, inner)


def _may_create(privileges, database, body):
    place = (database, str(body.get("create")))
    if body.get("capped") and not privileges.allow(place, "convertToCapped"):
        return False
    return privileges.allow(place, "createCollection") or (
        not body.get("viewOn") and privileges.allow(place, "insert")
    )


def _may_rename(privileges, _database, body):
    source, target = (str(body.get(key)).partition(".")[::2] for key in ("renameCollection", "to"))
    drops = ["dropCollection"] if body.get("dropTarget") else []
    if source[0] == target[0] and privileges.allow((source[0], ""), "renameCollectionSameDB"):
        is_readable = privileges.allow(source, "find") or not privileges.allow(target, "find")
        if is_readable and privileges.allow(target, *drops):
            return True
    return privileges.allow(source, "find", "dropCollection") and privileges.allow(
        target, "insert", "createIndex", *drops
    )


def _roles_of(body, database):
    for role in body.get("roles") or ():
        yield role.get("db", database) if isinstance(role, dict) else database


def _may_grant(privileges, database, body):
    """Whether they may give away the roles and the privileges in `body`."""
    places = [*_roles_of(body, database)]
    for privilege in _documents(body.get("privileges")):
        resource = privilege.get("resource")
        places.append((resource.get("db") or "admin") if isinstance(resource, dict) else "admin")
    return all(privileges.allow((place, ""), "grantRole") for place in places)


def _granting(*actions):
    """A command that makes or changes a user or a role of its database."""

    def may(privileges, database, body):
        return privileges.allow((database, ""), *actions) and _may_grant(privileges, database, body)

    return may


def _may_update_user(privileges, database, body):
    actions = [action for key, action in (("pwd", "changePassword"), ("customData", "changeCustomData")) if key in body]
    if "roles" in body:
        actions.append("revokeRole")
    return privileges.allow((database, ""), *actions) and _may_grant(privileges, database, body)


def _may_revoke(privileges, database, body):
    return all(privileges.allow((place, ""), "revokeRole") for place in _roles_of(body, database))


COMMANDS = {
    "find": _one("find"),
    "count": _one("find"),
    "distinct": _one("find"),
    "aggregate": _may_aggregate,
    "explain": _may_explain,
    "insert": _may_insert,
    "update": _may_update,
    "delete": _one("remove"),
    "findAndModify": _may_find_and_modify,
    "findandmodify": _may_find_and_modify,
    "bulkWrite": _may_bulk_write,
    "killCursors": _anyone,  # their own; SecantusDB does not know whose a cursor is
    "create": _may_create,
    "collMod": _one("collMod"),
    "drop": _one("dropCollection"),
    "dropDatabase": _on_database("dropDatabase"),
    "renameCollection": _may_rename,
    "createIndexes": _one("createIndex"),
    "dropIndexes": _one("dropIndex"),
    "listIndexes": _one("listIndexes"),
    "listCollections": _on_database("listCollections"),
    "collStats": _one("collStats"),
    "dbStats": _on_database("dbStats"),
    "dbstats": _on_database("dbStats"),
    "validate": _one("validate"),
    "createUser": _granting("createUser"),
    "updateUser": _may_update_user,
    "dropUser": _on_database("dropUser"),
    "dropAllUsersFromDatabase": _on_database("dropUser"),
    "grantRolesToUser": _may_grant,
    "revokeRolesFromUser": _may_revoke,
    "usersInfo": _on_database("viewUser"),
    "createRole": _granting("createRole"),
    "updateRole": _granting("revokeRole"),
    "dropRole": _on_database("dropRole"),
    "dropAllRolesFromDatabase": _on_database("dropRole"),
    "rolesInfo": _on_database("viewRole"),
    "configureFailPoint": _anyone,  # it is there only where the command line allows it
    "killSessions": _anyone,  # their own
    "killAllSessions": _on_cluster("killAnySession"),
    "killAllSessionsByPattern": _on_cluster("killAnySession"),
}


def guard_collections():
    """Asks for privileges by collection before a command of COMMANDS, instead of by database."""
    roles = Roles()
    dispatch = server.dispatch
    commands._NO_PRIVILEGE_COMMANDS |= COMMANDS.keys()

    def guarded(body, context):
        name = next(iter(body), "")
        rule = COMMANDS.get(name)
        user = context.connection_auth
        if rule is not None and context.require_auth and user is not None and user.is_authenticated:
            database = context.db_name or "admin"
            privileges = roles.privileges(user.effective_roles, context.storage.get_role)
            if not rule(privileges, database, body):
                what = f"{{ {name}: {next(iter(body.values()))!r} }}"
                return {
                    "ok": 0.0,
                    "errmsg": f"not authorized on {database} to execute command {what}",
                    "code": 13,
                    "codeName": "Unauthorized",
                }
        return dispatch(body, context)

    server.dispatch = guarded
