"""Refuses what MongoDB refuses. SecantusDB ignores most unknown fields, and arguments that a command does not take."""

from secantus import commands, server

from .checker import Checker


def refuse(version):
    """Puts a checker of this version in front of SecantusDB's commands."""
    checker = Checker(version)
    dispatch = server.dispatch

    def checked_dispatch(body, context):
        return checker.before(body) or dispatch(body, context)

    def checked(handler):
        return lambda body, context: checker.within(body) or handler(body, context)

    server.dispatch = checked_dispatch
    # SecantusDB aborts the transaction of a command whose handler refuses it, and of none that is refused before.
    for name, handler in commands._HANDLERS.items():
        commands._HANDLERS[name] = checked(handler)
