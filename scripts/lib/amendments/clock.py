"""Lets `$$NOW` be compared with the dates of documents."""

import datetime

from secantus import commands, expressions


def let_now_be_compared():
    """Gives `$$NOW` the form of a stored date: in UTC without saying so, and whole milliseconds.

    That of 0.7.0b3 has a time zone, and Python does not compare it with a date that has none: `$lt` is always false.
    """

    def resolve(let):
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        variables = {"NOW": now.replace(microsecond=now.microsecond // 1000 * 1000)}
        named = let.items() if isinstance(let, dict) else ()
        return variables | {name: expressions.evaluate(value, {}, vars=dict(variables)) for name, value in named}

    commands._resolve_let_vars = resolve
