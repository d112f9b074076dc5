"""Keeps the connections of clients that say nothing for a while."""

import functools

from secantus import server


def keep_idle_connections():
    """Leaves an idle connection open, as MongoDB does: only a client closes it.

    0.7.0b3 closes it after five minutes. A command that a client then sends fails, and a driver repeats only those that
    are retryable, which `dropDatabase` is not.
    """
    constructor = server.SecantusDBServer.__init__
    server.SecantusDBServer.__init__ = functools.partialmethod(constructor, client_idle_timeout_s=None)
