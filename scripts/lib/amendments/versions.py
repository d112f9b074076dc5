"""Lets SecantusDB say that it is a MongoDB of another version."""

from secantus import commands

# https://github.com/mongodb/mongo/blob/master/src/mongo/db/wire_version.h
WIRE_VERSIONS = {"5.0": 13, "6.0": 17, "7.0": 21, "8.0": 25}


def pretend(version):
    """`hello` and `buildInfo` say this version, so that drivers leave out what came later."""
    commands.WIRE_VERSION = WIRE_VERSIONS[version]
    commands.SERVER_VERSION = f"{version}.0"
    commands.SERVER_VERSION_ARRAY = [*(int(part) for part in version.split(".")), 0, 0]
