"""What scripts/mongo cannot say in shell: ports, processes and a few commands to the server."""

import os
import signal
import socket
import subprocess
import sys


def is_free(port):
    """A refused connection alone is not enough: a socket may be bound and not yet listening, or listen on every address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def port(first):
    """Prints the first free port from `first` on. Neighbours before any: an ephemeral one may be taken by a passing client."""
    for candidate in range(int(first), int(first) + 200):
        if is_free(candidate):
            print(candidate)
            return
    sys.exit(f"no free port from {first} on")


def detach(*command):
    """Becomes `command`, in a session of its own and with no open file of the caller's but the three standard ones."""
    try:
        os.setsid()
    except PermissionError:
        pass  # leads its group already
    os.closerange(3, 1024)
    os.execvp(command[0], command)


def limited(seconds, *command):
    """Runs `command` for at most so many seconds: then, or when this is interrupted, ends it with all that it has started; 124."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        status = process.wait(float(seconds))
    except subprocess.TimeoutExpired:
        status = 124
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)  # a program may have ended and left others that hold its output open
        except ProcessLookupError:
            pass
    sys.exit(status if status >= 0 else 128 - status)


ADMINISTRATOR = "daybook-admin"


def connect(uri, timeout, **options):
    import pymongo

    return pymongo.MongoClient(uri, serverSelectionTimeoutMS=timeout, connectTimeoutMS=timeout, socketTimeoutMS=10000, **options)


def password():
    """The administrator's, by the environment: arguments are for every user of the machine to see."""
    return os.environ.get("DAYBOOK_ADMIN_PASSWORD") or None


def direct(number, **options):
    return connect(f"mongodb://127.0.0.1:{number}/?directConnection=true", 500, **options)


def primary(number):
    """Exits 0 when the server on this port says that it is a writable primary."""
    import pymongo.errors

    try:
        sys.exit(0 if direct(number).admin.command("hello").get("isWritablePrimary") else 1)
    except pymongo.errors.PyMongoError as error:
        sys.exit(f"{type(error).__name__}: {error}")


def answers():
    import pymongo.errors

    try:
        connect(os.environ["DAYBOOK_URI"], 3000).admin.command("ping")
    except pymongo.errors.PyMongoError as error:
        sys.exit(type(error).__name__)  # its text may hold the host list; the URI itself is the caller's to know


def initiate(number):
    """Makes a fresh mongod the one member of the replica set `daybook`, or tells an old one its new port."""
    import pymongo.errors

    credentials = {"username": ADMINISTRATOR, "password": password()} if password() else {}
    admin = direct(number, **credentials).admin
    host = f"127.0.0.1:{number}"
    try:
        config = admin.command("replSetGetConfig")["config"]
    except pymongo.errors.OperationFailure as error:
        # NotYetInitialized; or Unauthorized, by a server that has no user yet and lets this one command through.
        if error.code != 94 and (error.code != 13 or credentials):
            raise
        try:
            admin.command("replSetInitiate", {"_id": "daybook", "members": [{"_id": 0, "host": host}]})
        except pymongo.errors.OperationFailure as refusal:
            if refusal.code != 23:  # AlreadyInitialized
                raise
        return
    if config["_id"] != "daybook":
        sys.exit(f"port {number} belongs to the replica set {config['_id']}")  # a stranger's, come first: hands off
    if config["members"][0]["host"] != host:
        config["members"][0]["host"] = host
        config["version"] += 1
        admin.command("replSetReconfig", config, force=True)


def administrator(number):
    """Makes the user who may do everything, or gives them a new password where a start was interrupted."""
    import pymongo.errors

    admin = direct(number).admin
    # Every connection of a test pays for the rounds of hashing, which are a third fewer, and cheaper, than SCRAM-SHA-256's.
    user = {"pwd": password(), "roles": [{"role": "root", "db": "admin"}], "mechanisms": ["SCRAM-SHA-1"]}
    try:
        admin.command("createUser", ADMINISTRATOR, **user)
    except pymongo.errors.OperationFailure as error:
        if error.code != 51003:  # the user exists
            raise
        admin.command("updateUser", ADMINISTRATOR, **user)


def drop(database):
    # The URI comes by the environment, for the same reason as a password.
    connect(os.environ["DAYBOOK_URI"], 10000).drop_database(database)


if __name__ == "__main__":
    actions = {f.__name__: f for f in (port, detach, limited, primary, answers, initiate, administrator, drop)}
    actions[sys.argv[1]](*sys.argv[2:])
