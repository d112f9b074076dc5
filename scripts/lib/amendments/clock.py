"""Lets `$$NOW` be compared with the dates of documents.

Run as `python -m amendments.clock` it says whether this SecantusDB needs that: `needed`, or `not needed`.
"""

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


def is_needed():
    """Whether SecantusDB as it is says that a date of the past does not come before `$$NOW`."""
    past = {"at": datetime.datetime(2020, 1, 1)}
    return expressions.evaluate({"$lt": ["$at", "$$NOW"]}, past, vars=commands._resolve_let_vars(None)) is not True


if __name__ == "__main__":
    print("needed" if is_needed() else "not needed")
